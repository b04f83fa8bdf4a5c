import { type Bind, DEFAULT_SOCKET_MODE } from '../common/bind.js'
import { defaultProtocol } from '../common/config/default-protocol.js'
import type { Interpreted } from '../common/config/document-reader.js'
import type { Protocol } from '../common/config/fields.js'
import { foreignDocument } from '../common/config/foreign.js'
import { problemAt, validate } from '../common/config/validate.js'
import type { YamlDocument } from '../common/config/yaml.js'
import type { Location, Problem } from '../common/problem.js'
import { speechOf } from '../common/protocol.js'
import { type Check, type CheckKind, DEFAULT_CHECK } from './checks/check.js'
import { type Environment, scrubEnvironment } from './envoy/environment.js'
import { type ServiceFileText, serviceFile } from './services-schema.js'
import { checkSocket } from './socket-path.js'

/** A named port of a service of this host. */
export interface ServicePort {
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
  /** True where the file gave no protocol. */
  readonly assumed: boolean
}

/** A service that is called at a local address of its own. */
export interface ServiceUpstream {
  readonly service: string
  readonly bind: Bind
  /** Who may use a Unix socket; absent: Envoy's own user and group. */
  readonly group?: string | undefined
  readonly port?: string | undefined
}

/** A service of this host, every default chosen. */
export interface ServiceFile {
  readonly service: string
  /** In the order of the file; never empty. */
  readonly ports: readonly ServicePort[]
  /** `version` is among them where the file has one. */
  readonly labels: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly weight: number
  readonly upstreams: readonly ServiceUpstream[]
  readonly check: ServiceFileText['check']
  readonly location: Location
}

/** What tells an instance from the others of this host: `payments:9090`, the service and its first port. */
export function instanceKey({ service, ports }: Pick<ServiceFile, 'service' | 'ports'>): string {
  return `${service}:${ports[0]?.port}`
}

/**
 * Reads one document of a service file.
 *
 * @param socketDirectory below which Unix sockets are made; absent: that of some host, whose settings are not known
 */
export function interpretService(document: YamlDocument, socketDirectory?: string): Interpreted<ServiceFile> {
  const raw = (document.value ?? {}) as Readonly<Record<string, unknown>>
  const { kind } = raw
  const foreign = foreignDocument(raw, document)
  if (foreign !== undefined) return { identity: undefined, document: undefined, problems: [foreign] }
  if (kind !== undefined) {
    const message = 'documents with a kind belong on the control plane'
    const finding = { code: 'MSH0212', path: ['kind'], message, hint: 'move it there, or remove the line' } as const
    return { identity: undefined, document: undefined, problems: [problemAt(document, finding)] }
  }
  const identity = identityOf(document.value)
  const { located, problems } = validate<ServiceFileText>(document, serviceFile)
  if (located === undefined) return { identity, document: undefined, problems }
  const wrong = checkService(located.value, document, socketDirectory)
  if (wrong.length > 0) return { identity, document: undefined, problems: wrong }
  const ports = portsOf(located.value)
  const value = toService(located.value, ports, located.location)
  return { identity, document: { ...located, value }, problems: assumedProtocols(document, located.value, ports) }
}

/** What tells a document from the others, also of an invalid one; undefined where not even that can be read. */
function identityOf(value: unknown): string | undefined {
  const { service, port, ports } = (value ?? {}) as Partial<Record<'service' | 'port' | 'ports', unknown>>
  const [first] = typeof ports === 'object' && ports !== null ? Object.values(ports) : [port]
  const number: unknown = typeof first === 'object' && first !== null ? first.port : first
  return typeof service === 'string' && typeof number === 'number' ? `service ${service}:${number}` : undefined
}

const CHECK_KINDS = ['http', 'tcp', 'grpc', 'exec'] as const

/** What the schema cannot say: keys that exclude each other, and ports that are given twice. */
function checkService(
  { service, port, ports, labels, version, check, upstreams }: ServiceFileText,
  document: YamlDocument,
  socketDirectory: string | undefined,
): readonly Problem[] {
  const problems: Problem[] = []
  const wrong = (path: readonly string[], message: string, hint: string) =>
    problems.push(problemAt(document, { code: 'MSH0220', path, message, hint }))
  if (port === undefined && ports === undefined) wrong([], '`port` is missing', 'write for example port: 8080')
  if (port !== undefined && ports !== undefined)
    wrong(['ports'], '`port` and `ports` exclude each other', 'name all of them in ports')
  if (ports !== undefined && Object.keys(ports).length === 0) wrong(['ports'], 'no port is named', 'write main: 8080')
  if (version !== undefined && labels['version'] !== undefined)
    wrong(['labels', 'version'], 'the version is given twice', 'keep one of them')
  if (typeof check === 'object' && CHECK_KINDS.filter((kind) => check[kind] !== undefined).length !== 1)
    wrong(['check'], `a check is exactly one of ${CHECK_KINDS.join(', ')}`, 'write { http: /healthz } or { tcp: true }')
  return [
    ...problems,
    ...upstreams.flatMap((one, index) => checkSocket(one, index, service, document, socketDirectory)),
  ]
}

function portsOf({ port, ports, protocol }: ServiceFileText): readonly ServicePort[] {
  return Object.entries(ports ?? { main: port ?? 0 }).map(([name, entry]) => {
    const number = typeof entry === 'number' ? entry : entry.port
    const written = typeof entry === 'number' ? protocol : (entry.protocol ?? protocol)
    return { name, port: number, protocol: written ?? defaultProtocol(number), assumed: written === undefined }
  })
}

function toService(text: ServiceFileText, ports: readonly ServicePort[], location: Location): ServiceFile {
  const { service, version, labels, tags, weight, check } = text
  const upstreams = text.upstreams.map(toUpstream)
  const allLabels = version === undefined ? labels : { ...labels, version }
  return { service, ports, labels: allLabels, tags, weight, upstreams, check, location }
}

function toUpstream({ service, bind, port, mode, group }: ServiceFileText['upstreams'][number]): ServiceUpstream {
  if (!('path' in bind)) return { service, port, bind: { kind: 'tcp', ...bind } }
  const bits = mode === undefined ? DEFAULT_SOCKET_MODE : Number.parseInt(mode, 8)
  return { service, port, group, bind: { kind: 'pipe', path: bind.path, mode: bits } }
}

function assumedProtocols(
  document: YamlDocument,
  { ports: written }: ServiceFileText,
  ports: readonly ServicePort[],
): readonly Problem[] {
  return ports.flatMap(({ name, port, protocol, assumed }) => {
    if (!assumed) return []
    const path = written === undefined ? ['port'] : ['ports', name]
    const message = `no protocol given for port ${port}; ${protocol} is assumed`
    const hint =
      written === undefined ? `write protocol: ${protocol}` : `write ${name}: { port: ${port}, protocol: ${protocol} }`
    return problemAt(document, { code: 'MSH0252', path, message, hint }, 'notice')
  })
}

/**
 * The check of a service with its port; undefined: none is wanted.
 *
 * @param environment that of the agent, of which programs that check get a few harmless names
 */
export function checkOf(
  { check, ports }: ServiceFile,
  environment: Environment = {},
): { readonly check: Check | undefined; readonly port: number } {
  const port = ports[0]?.port ?? 0
  if (check === 'none') return { check: undefined, port }
  if (check === undefined) return { check: DEFAULT_CHECK, port }
  const { tcp, grpc, interval, timeout, unhealthyAfter, healthyAfter } = check
  const grpcPort = typeof grpc === 'object' ? grpc.port : undefined
  return {
    port: grpcPort ?? (typeof tcp === 'number' ? tcp : port),
    check: {
      what: checkKindOf(check, ports[0], environment),
      interval: interval ?? DEFAULT_CHECK.interval,
      timeout: timeout ?? DEFAULT_CHECK.timeout,
      unhealthyAfter: unhealthyAfter ?? DEFAULT_CHECK.unhealthyAfter,
      healthyAfter: healthyAfter ?? DEFAULT_CHECK.healthyAfter,
    },
  }
}

type WrittenCheck = Exclude<ServiceFileText['check'], 'none' | undefined>

function checkKindOf(
  { http, grpc, exec }: WrittenCheck,
  port: ServicePort | undefined,
  environment: Environment,
): CheckKind {
  if (http !== undefined) return { kind: 'http', path: http, speaks: httpOf(port) }
  if (exec !== undefined) return { kind: 'exec', command: exec, environment: scrubEnvironment(environment) }
  if (grpc === undefined) return { kind: 'tcp' }
  const service = typeof grpc === 'object' ? grpc.service : grpc
  return { kind: 'grpc', service: typeof service === 'string' ? service : '' }
}

function httpOf(port: ServicePort | undefined): 'http1' | 'http2' {
  return port !== undefined && speechOf(port.protocol) === 'http2' ? 'http2' : 'http1'
}
