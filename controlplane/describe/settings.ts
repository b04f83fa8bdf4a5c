import type { SettingView } from '../../common/admin-api.js'
import { type DocumentPath, formatPath, type Located } from '../../common/config/located.js'
import { formatPlace } from '../../common/problem.js'
import type { MeshDocument } from '../config/schema/mesh.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { connectionSettings } from '../mesh/clusters.js'
import { requestTimeout } from '../mesh/outbound.js'
import { retryPolicy } from '../mesh/retry.js'
import { type DescribedService, takesRequests } from './described.js'
import { describeFixedSettings } from './fixed-settings.js'

type Document = Located<ServiceDocument> | undefined

/**
 * The settings of a service for requests of which no rule says more, as the builders of the mesh choose them, and where
 * each is written. Without an http port, limits of requests are left out.
 */
export function describeSettings(of: DescribedService): readonly SettingView[] {
  const { document, config } = of
  const { connectTimeoutMs, loadBalancing } = connectionSettings(document?.value)
  const settings: readonly SettingView[] = [
    { ...setting(document, ['timeouts', 'connect'], connectTimeoutMs), unit: 'ms' },
    ...(takesRequests(of) ? requestSettings(document) : []),
    setting(document, ['loadBalancing', 'policy'], loadBalancing),
    ...describeFixedSettings(of),
  ]
  const ofGroup = (group: string) => settings.filter((one) => one.setting.startsWith(`${group}.`))
  return [...GROUPS.flatMap(ofGroup), meshAuthorization(config.mesh)]
}

/** The order in which settings are told. */
const GROUPS = ['timeouts', 'retry', 'loadBalancing', 'connections', 'outlier'] as const

function requestSettings(document: Document): readonly SettingView[] {
  const timeout = requestTimeout(document?.value, undefined)
  const retry = retryPolicy(document?.value.retry, undefined)
  const limits = [
    time(setting(document, ['timeouts', 'request'], timeout === 'unlimited' ? 'off' : timeout.ms)),
    setting(document, ['retry', 'retries'], retry?.retries ?? 0),
  ]
  if (retry === undefined) return limits
  return [
    ...limits,
    time(setting(document, ['retry', 'perTry'], retry.perTryMs ?? 'as long as the request')),
    setting(document, ['retry', 'on'], retry.on),
    setting(document, ['retry', 'methods'], retry.methods ?? 'all'),
  ]
}

/** The setting as a time, where it is one and no word. */
function time(view: SettingView): SettingView {
  return typeof view.value === 'number' ? { ...view, unit: 'ms' } : view
}

function setting(document: Located<unknown> | undefined, path: DocumentPath, value: unknown): SettingView {
  const from = document !== undefined && isWritten(document, path) ? formatPlace(document.locate(path)) : 'default'
  return { setting: formatPath(path), value, from }
}

function isWritten({ value }: Located<unknown>, path: DocumentPath): boolean {
  return path.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], value) !== undefined
}

/** The schema fills this one in; a key that is not written is located at the start of its document. */
function meshAuthorization(mesh: Located<MeshDocument> | undefined): SettingView {
  const value = mesh?.value.authorization ?? 'allow'
  const place = mesh?.locate(['authorization'])
  const start = mesh?.location
  const written = value === 'deny' || place?.line !== start?.line || place?.column !== start?.column
  return { setting: 'mesh authorization', value, from: written && place !== undefined ? formatPlace(place) : 'default' }
}
