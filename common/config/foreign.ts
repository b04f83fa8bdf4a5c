import type { Problem } from '../problem.js'
import { problemAt } from './validate.js'
import type { YamlDocument } from './yaml.js'

/** What documents of other tools are called here, by their kind. */
const COUNTERPARTS: Readonly<Record<string, string>> = {
  VirtualService: 'kind: route',
  HTTPRoute: 'kind: route',
  MeshHTTPRoute: 'kind: route',
  'service-router': 'kind: route',
  'service-splitter': 'kind: route with split',
  DestinationRule: 'kind: service (subsets, timeouts, loadBalancing)',
  'service-resolver': 'kind: service (subsets)',
  'service-defaults': 'kind: service',
  MeshTimeout: 'kind: service (timeouts)',
  MeshRetry: 'kind: service (retry)',
  AuthorizationPolicy: 'kind: authorization',
  MeshTrafficPermission: 'kind: authorization',
  'service-intentions': 'kind: authorization',
  ServiceEntry: 'kind: catalog',
  WorkloadEntry: 'kind: catalog',
  PeerAuthentication: 'kind: mesh (tls: strict is the default)',
  'proxy-defaults': 'kind: mesh',
}

/** Says of a document that Istio, Kubernetes, Kuma or Consul would read what to write instead. */
export function foreignDocument(value: Readonly<Record<string, unknown>>, document: YamlDocument): Problem | undefined {
  const tool = toolOf(value)
  if (tool === undefined) return undefined
  const kind = String(value[tool.kindKey] ?? '')
  const counterpart = Object.hasOwn(COUNTERPARTS, kind) ? COUNTERPARTS[kind] : undefined
  const advice = counterpart === undefined ? 'write it in the words of this mesh' : `write ${counterpart}`
  return problemAt(document, {
    code: 'MSH0210',
    path: [tool.mark],
    message: `this is a document for ${tool.name}`,
    hint: `${advice}; \`mesh import\` is not available yet`,
  })
}

function toolOf(value: Readonly<Record<string, unknown>>) {
  const { apiVersion, Kind, type, mesh } = value
  if (typeof apiVersion === 'string') {
    const name = apiVersion.includes('istio.io') ? 'Istio' : apiVersion.includes('kuma.io') ? 'Kuma' : 'Kubernetes'
    return { name, mark: 'apiVersion', kindKey: 'kind' } as const
  }
  if (typeof Kind === 'string') return { name: 'Consul', mark: 'Kind', kindKey: 'Kind' } as const
  const kuma = typeof type === 'string' && /^[A-Z]/.test(type) && (mesh !== undefined || type.startsWith('Mesh'))
  return kuma ? ({ name: 'Kuma', mark: 'type', kindKey: 'type' } as const) : undefined
}
