import { isIP } from 'node:net'
import { z } from 'zod'
import { type Bind, DEFAULT_SOCKET_MODE } from '../../common/bind.js'
import { hostName, label, port, protocol } from '../../common/config/fields.js'
import { ipAndPort } from '../../common/config/socket-address-field.js'
import { validate } from '../../common/config/validate.js'
import { readYaml } from '../../common/config/yaml.js'
import type { Problem } from '../../common/problem.js'
import { formatSocketAddress } from '../../common/socket-address.js'
import type { AgentRecord, AgentRecords } from '../catalog/agents.js'
import type { ServiceFacts } from '../catalog/report.js'

const ipAddress = z.string().refine((text) => isIP(text) !== 0, 'write an IP address')

const upstream = z
  .strictObject({
    service: label.describe('the service that is called'),
    address: ipAddress.optional().describe('where the application reaches it on this host'),
    port: port.optional().describe('the port at that address'),
    socket: z.string().startsWith('/').optional().describe('path of a Unix socket, instead of address and port'),
    target: label.optional().describe('the named port that is called; absent: its first'),
  })
  .refine(
    ({ address, port, socket }) =>
      (address === undefined) === (port === undefined) && (address === undefined) !== (socket === undefined),
    'give address and port, or a socket',
  )

const service = z.strictObject({
  port: port.optional().describe('short for ports: { main: … }'),
  ports: z
    .record(label, z.strictObject({ port, protocol: protocol.optional() }))
    .optional()
    .describe('several ports by their names'),
  protocol: protocol.optional().describe('absent: http'),
  version: z.string().optional().describe('the label `version`'),
  health: z.enum(['passing', 'critical']).optional().describe('absent: passing'),
  inboundPort: port.optional().describe('of an instance beside the first of its service on the host'),
  upstreams: z.array(upstream).optional().describe('declared upstreams'),
})

const host = z.strictObject({
  address: ipAddress.describe('where its Envoy is reached'),
  caller: label
    .optional()
    .describe(
      'the service whose identity calls by name carry; absent: its only service, or with several the host itself',
    ),
  envoy: z.string().optional().describe('version of its Envoy; absent: as for all'),
  occupied: z.array(port).optional().describe('ports that listeners of names leave alone'),
  redirect: port
    .optional()
    .describe('port to which connections to virtual addresses are redirected; absent: mode bind'),
  range: z.string().optional().describe('of virtual addresses; empty: no names; absent: 127.80.0.0/12'),
  dns: ipAndPort.optional().describe('where Envoy answers DNS for the names; absent: 127.0.0.1:15053'),
  application: ipAddress.optional().describe('where its applications listen; absent: 127.0.0.1'),
  services: z
    .record(label, z.union([service, z.array(service)]))
    .describe('what it runs, by name; a list where it has several instances of one'),
})

const hosts = z.record(hostName, host)

type HostText = z.infer<typeof host>

/** What holds for a host of which its description does not say it. */
export interface HostDefaults {
  /** Of virtual addresses. */
  readonly range: string
  /** Where Envoy answers DNS, address and port. @param address of the host */
  readonly dns: (address: string) => string
  /** @param address of the host */
  readonly application: (address: string) => string
  /** Whose identity calls by name carry; empty: that of the host. @param services that it runs */
  readonly caller: (services: readonly string[]) => string
}

/** What an agent without settings reports, so that a described host gets what such a host would get. */
export const AGENT_DEFAULTS: HostDefaults = {
  range: '127.80.0.0/12',
  dns: () => '127.0.0.1:15053',
  application: () => '127.0.0.1',
  caller: ([first = '', ...more]) => (more.length === 0 ? first : ''),
}

/**
 * Reads a description of hosts: what their agents would report, written down. `mesh render --hosts` takes it, and the
 * golden tests.
 */
export function parseHosts(
  file: string,
  text: string,
  defaults: HostDefaults = AGENT_DEFAULTS,
): { readonly agents: AgentRecords; readonly problems: readonly Problem[] } {
  const { documents, problems } = readYaml(file, text)
  const [document] = documents
  if (document === undefined) return { agents: new Map(), problems }
  const validated = validate(document, hosts)
  const entries = Object.entries(validated.located?.value ?? {})
  return {
    agents: new Map(entries.map(([name, one]) => [name, recordOf(name, one, defaults)])),
    problems: validated.problems,
  }
}

function recordOf(
  name: string,
  { address, range, dns, application, caller, occupied = [], redirect = 0, envoy = '', services }: HostText,
  defaults: HostDefaults,
): AgentRecord {
  const inbound = { address, port: 15006 }
  return {
    host: name,
    session: { state: 'live', since: 0 },
    facts: {
      advertised: inbound,
      inbound,
      region: '',
      zone: '',
      labels: {},
      agentVersion: '0',
      envoyVersion: envoy,
      namesRange: range ?? defaults.range,
      namesDns: dns === undefined ? defaults.dns(address) : formatSocketAddress(dns),
      occupiedPorts: [...occupied],
      portHolders: [],
      namesRedirectPort: redirect,
      namesProblem: '',
      caller: caller ?? defaults.caller(Object.keys(services)),
      applicationAddress: application ?? defaults.application(address),
      envoyMetrics: '',
      agentMetrics: '',
    },
    services: Object.entries(services).flatMap(([one, facts]) => [facts].flat().map((each) => factsOf(one, each))),
  }
}

function factsOf(name: string, text: z.infer<typeof service>): ServiceFacts {
  const { port: number = 8080, protocol: spoken = 'http', ports = { main: { port: number, protocol: spoken } } } = text
  return {
    service: name,
    ports: Object.entries(ports).map(([portName, one]) => ({
      name: portName,
      port: one.port,
      protocol: one.protocol ?? 'http',
      assumed: false,
    })),
    labels: text.version === undefined ? {} : { version: text.version },
    weight: 100,
    health: text.health ?? 'passing',
    healthDetail: '',
    source: `services.d/${name}.yaml:1`,
    exposedAt: [],
    inboundPort: text.inboundPort ?? 0,
    upstreams: (text.upstreams ?? []).map((one) => ({
      service: one.service,
      bind: bindOf(one),
      port: one.target ?? '',
    })),
  }
}

function bindOf({ address = '127.0.0.1', port = 0, socket }: z.infer<typeof upstream>): Bind {
  if (socket !== undefined) return { kind: 'pipe', path: socket, mode: DEFAULT_SOCKET_MODE }
  return { kind: 'tcp', address, port }
}
