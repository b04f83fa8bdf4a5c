import { LastGoodStore } from '../common/config/accepted.js'
import { defaultProtocol } from '../common/config/default-protocol.js'
import { DocumentReader, type ParsedDocument } from '../common/config/documents.js'
import type { Protocol } from '../common/config/fields.js'
import type { Located } from '../common/config/located.js'
import { type FileSet, openFiles, type TextFile } from '../common/config/stable-files.js'
import { problemAt, validate } from '../common/config/validate.js'
import type { YamlDocument } from '../common/config/yaml.js'
import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { formatProblem, type Location, type Problem } from '../common/problem.js'
import type { SocketAddress } from '../common/socket-address.js'
import type { Task } from '../common/tasks.js'
import { type Check, DEFAULT_CHECK } from './checks/check.js'
import { type ServiceFileText, serviceFile } from './host-service-schema.js'
import type { AgentSettings } from './settings-schema.js'

/** A named port of a service of this host. */
export interface ServicePort {
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
  /** True where the file gave no protocol. */
  readonly assumed: boolean
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
  readonly upstreams: readonly {
    readonly service: string
    readonly bind: SocketAddress
    readonly port?: string | undefined
  }[]
  readonly check: ServiceFileText['check']
  readonly location: Location
}

/** Keeps the services of this host up to date from their directory, for as long as the signal does not abort. */
export function watchServices(settings: AgentSettings, services: Latest<readonly ServiceFile[]>, log: Log): Task {
  return async (signal) => {
    const store = new LastGoodStore(settings.stateDirectory, 'last-good-services.json', log)
    const ownUser = process.getuid?.() ?? 0
    const reader = new DocumentReader(
      (document: YamlDocument, file: TextFile) => parseService(document, file, ownUser),
      await store.read(),
    )
    let known = new Set<string>()
    const take = async (files: FileSet) => {
      const { accepted, problems, lastGood } = reader.read(files, Date.now())
      const { kept, duplicates } = withoutDuplicates(accepted.map(({ document }) => document))
      known = report([...problems, ...duplicates], known, log)
      services.set(kept)
      await store.write(lastGood)
    }
    const files = await openFiles([settings.servicesDirectory])
    await take(files.first)
    for await (const changed of files.changes(signal)) await take(changed)
  }
}

/** Reads one service of a file; its owner is judged too, because service files can make programs run. */
export function parseService(document: YamlDocument, file: TextFile, ownUser: number): ParsedDocument<ServiceFile> {
  const { service } = (document.value ?? {}) as { service?: unknown }
  const identity = typeof service === 'string' ? `service ${service}` : undefined
  const foreign = judgeOwner(file, ownUser)
  if (foreign !== undefined) return { identity: undefined, document: undefined, problems: [foreign] }
  const { located, problems } = validate<ServiceFileText>(document, serviceFile)
  if (located === undefined) return { identity, document: undefined, problems }
  const { value } = located
  if ((value.port === undefined) === (value.ports === undefined)) {
    const message = 'exactly one of port and ports says where the service listens'
    const finding = { code: 'MSH0220', path: value.port === undefined ? [] : ['ports'], message } as const
    return { identity, document: undefined, problems: [problemAt(document, { ...finding, hint: 'write port: 8080' })] }
  }
  const ports = portsOf(value)
  const notices = ports.filter(({ assumed }) => assumed).map((port) => assumedProtocol(document, port))
  return { identity, document: { ...located, value: toService(value, ports, located.location) }, problems: notices }
}

function judgeOwner({ shown, owner }: TextFile, ownUser: number): Problem | undefined {
  const strangers = owner.uid !== 0 && owner.uid !== ownUser
  if (!strangers && (owner.mode & 0o022) === 0) return undefined
  const message = strangers ? 'owned by neither root nor the user of the agent' : 'writable by others than its owner'
  const place = { file: shown, line: 1, column: 1, path: '' }
  return { ...place, code: 'MSH0104', severity: 'error', message, hint: 'chown root and chmod go-w' }
}

function portsOf({ port, ports, protocol }: ServiceFileText): readonly ServicePort[] {
  const entries = Object.entries(ports ?? { main: port ?? 0 })
  return entries.map(([name, entry]) => {
    const number = typeof entry === 'number' ? entry : entry.port
    const written = typeof entry === 'number' ? protocol : (entry.protocol ?? protocol)
    return { name, port: number, protocol: written ?? defaultProtocol(number), assumed: written === undefined }
  })
}

function toService(text: ServiceFileText, ports: readonly ServicePort[], location: Location): ServiceFile {
  const { service, version, labels, tags, weight, upstreams, check } = text
  const allLabels = { ...labels, ...(version === undefined ? {} : { version }) }
  return { service, ports, labels: allLabels, tags, weight, upstreams, check, location }
}

function assumedProtocol(document: YamlDocument, { name, port, protocol }: ServicePort): Problem {
  const message = `no protocol given for port ${name} (${port}); ${protocol} is assumed`
  const hint = `write protocol: ${protocol}`
  return problemAt(document, { code: 'MSH0252', path: ['port'], message, hint }, 'notice')
}

function withoutDuplicates(all: readonly Located<ServiceFile>[]) {
  const kept = new Map<string, ServiceFile>()
  const duplicates: Problem[] = []
  for (const { value, locate } of all) {
    const other = kept.get(value.service)
    if (other === undefined) kept.set(value.service, value)
    else {
      const { file, line } = other.location
      const message = `${value.service} stands in ${file}:${line} already: several instances of one service on a host are not supported yet`
      duplicates.push(problemAt({ locate }, { code: 'MSH0251', path: ['service'], message }))
    }
  }
  return { kept: [...kept.values()], duplicates }
}

function report(problems: readonly Problem[], known: ReadonlySet<string>, log: Log): Set<string> {
  const texts = problems.map((problem) => [problem.severity, formatProblem(problem)] as const)
  for (const [severity, problem] of texts) {
    if (known.has(problem)) continue
    if (severity === 'error') log.error('service file problem', { problem })
    else log.info('service file notice', { problem })
  }
  return new Set(texts.map(([, text]) => text))
}

/** The check of a service with its port; undefined: none is wanted. */
export function checkOf({ check, ports }: ServiceFile): { readonly check: Check | undefined; readonly port: number } {
  const port = ports[0]?.port ?? 0
  if (check === 'none') return { check: undefined, port }
  if (check === undefined) return { check: DEFAULT_CHECK, port }
  const { http, tcp, interval, timeout, unhealthyAfter, healthyAfter } = check
  return {
    port: typeof tcp === 'number' ? tcp : port,
    check: {
      what: http === undefined ? { kind: 'tcp' } : { kind: 'http', path: http },
      interval: interval ?? DEFAULT_CHECK.interval,
      timeout: timeout ?? DEFAULT_CHECK.timeout,
      unhealthyAfter: unhealthyAfter ?? DEFAULT_CHECK.unhealthyAfter,
      healthyAfter: healthyAfter ?? DEFAULT_CHECK.healthyAfter,
    },
  }
}
