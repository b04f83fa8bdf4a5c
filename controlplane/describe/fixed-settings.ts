import type { SettingView } from '../../common/admin-api.js'
import {
  APPLICATION_IDLE_MS,
  CONNECTIONS,
  HOST_ATTEMPTS,
  IDLE_MS,
  MAX_STREAMS,
  OUTLIER,
  PANIC_THRESHOLD,
  STREAM_IDLE_MS,
  TCP_ATTEMPTS,
  TCP_IDLE_MS,
} from '../mesh/fixed-settings.js'
import { type DescribedService, isOutside, takesRequests } from './described.js'

/** What Envoys are given for every service, under the names that the keys of documents will have. */
export function describeFixedSettings(of: DescribedService): readonly SettingView[] {
  const requests = takesRequests(of)
  const bytes = of.ports.some(({ carriage }) => carriage === 'bytes')
  const { retryBudget } = CONNECTIONS
  return [
    ...(requests ? requestLimits(of) : []),
    ...(bytes ? tcpLimits(requests) : []),
    fixed('loadBalancing.panicThreshold', PANIC_THRESHOLD, '%'),
    fixed('connections.max', CONNECTIONS.max),
    fixed('connections.pendingRequests', CONNECTIONS.pendingRequests),
    ...(requests
      ? [
          fixed('connections.requests', CONNECTIONS.requests),
          fixed('connections.retryBudget.percent', retryBudget.percent, '%'),
          fixed('connections.retryBudget.minimum', retryBudget.minimum),
        ]
      : []),
    fixed('connections.buffer', CONNECTIONS.bufferBytes, 'bytes'),
    fixed('outlier.consecutive5xx', OUTLIER.consecutive5xx),
    fixed('outlier.interval', OUTLIER.intervalMs, 'ms'),
    fixed('outlier.ejection', OUTLIER.ejectionMs, 'ms'),
    fixed('outlier.maxEjection', OUTLIER.maxEjectionMs, 'ms'),
    fixed('outlier.maxEjected', OUTLIER.maxEjected, '%'),
  ]
}

/** Between Envoys all is HTTP/2; instances outside the mesh are spoken to as applications are. */
function requestLimits(of: DescribedService): readonly SettingView[] {
  const both = [fixed('timeouts.streamIdle', STREAM_IDLE_MS, 'ms'), fixed('retry.hostAttempts', HOST_ATTEMPTS)]
  if (isOutside(of)) return [...both, fixed('timeouts.idle', APPLICATION_IDLE_MS, 'ms')]
  const streams = fixed('connections.http2.maxConcurrentStreams', MAX_STREAMS)
  return [...both, fixed('timeouts.idle', IDLE_MS, 'ms'), streams]
}

/** @param beside whether other ports of the service carry requests */
function tcpLimits(beside: boolean): readonly SettingView[] {
  const ports = beside ? ' of tcp ports' : ''
  return [fixed(`timeouts.idle${ports}`, TCP_IDLE_MS, 'ms'), fixed(`connections.attempts${ports}`, TCP_ATTEMPTS)]
}

function fixed(setting: string, value: number, unit?: SettingView['unit']): SettingView {
  return { setting, value, ...(unit === undefined ? {} : { unit }), from: 'default' }
}
