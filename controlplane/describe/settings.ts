import type { SettingView } from '../../common/admin-api.js'
import type { DocumentPath, Located } from '../../common/config/located.js'
import { formatPath } from '../../common/config/located.js'
import type { Location } from '../../common/problem.js'
import type { Instance } from '../catalog/catalog.js'
import type { MeshDocument } from '../config/schema/mesh.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { connectionSettings } from '../mesh/clusters.js'
import { requestTimeout } from '../mesh/outbound.js'
import { retryPolicy } from '../mesh/retry.js'

/**
 * The settings of a service for requests of which no rule says more, as the builders of the mesh choose them, and where
 * each is written.
 *
 * @param takesRequests whether the service has an http port; without one, limits of requests are left out
 */
export function describeSettings(
  document: Located<ServiceDocument> | undefined,
  mesh: Located<MeshDocument> | undefined,
  instances: readonly Instance[],
  takesRequests: boolean,
): readonly SettingView[] {
  const service = document?.value
  const { connectTimeoutMs, loadBalancing } = connectionSettings(service)
  const protocols = [...new Set(instances.flatMap(({ ports }) => ports.map(({ protocol }) => protocol)))]
  const protocol = setting(document, ['protocol'], service?.protocol ?? protocols.join(', '))
  return [
    service?.protocol === undefined ? { ...protocol, from: 'instances' } : protocol,
    setting(document, ['timeouts', 'connect'], connectTimeoutMs),
    ...(takesRequests ? requestSettings(document) : []),
    setting(document, ['loadBalancing', 'policy'], loadBalancing),
    meshAuthorization(mesh),
  ]
}

function requestSettings(document: Located<ServiceDocument> | undefined): readonly SettingView[] {
  const timeout = requestTimeout(document?.value, undefined)
  const retry = retryPolicy(document?.value.retry, undefined)
  const limits = [
    setting(document, ['timeouts', 'request'], timeout === 'unlimited' ? 'off' : timeout.ms),
    setting(document, ['retry', 'retries'], retry?.retries ?? 0),
  ]
  if (retry === undefined) return limits
  return [
    ...limits,
    setting(document, ['retry', 'perTry'], retry.perTryMs ?? 'as long as the request'),
    setting(document, ['retry', 'on'], retry.on),
    setting(document, ['retry', 'methods'], retry.methods ?? 'all'),
  ]
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

/** `mesh.d/payments.yaml:4` */
export function formatPlace({ file, line }: Location): string {
  return `${file}:${line}`
}
