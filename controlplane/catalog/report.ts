import { isIP } from 'node:net'
import { z } from 'zod'
import { LONGEST_PATH, parseBind } from '../../common/bind.js'
import { protocol } from '../../common/config/fields.js'
import { DNS_LABEL } from '../../common/identity.js'
import { type EnvoyReport, Health, type HostReport, type ServicesReport } from '../../common/proto/mesh/v1/mesh_pb.js'
import { canonicalAddress } from '../../common/socket-address.js'

/**
 * What an agent says of its host, proven and as plain data: it arrives as protobuf, is kept on disk over restarts, and
 * is merged into the catalog. Absent texts are empty, as in protobuf.
 */
const port = z.int().min(1).max(65535)

const ipAddress = z
  .string()
  .refine((text) => isIP(text) !== 0, 'not an IP address')
  .transform(canonicalAddress)

const socketAddress = z.strictObject({ address: ipAddress, port })

/** Where others connect: never a wildcard. */
const reachable = z.strictObject({
  address: ipAddress.refine((text) => text !== '0.0.0.0' && text !== '::', 'a wildcard is no address to connect to'),
  port,
})

const bind = z.union([
  z.strictObject({
    kind: z.literal('pipe'),
    path: z
      .string()
      .refine((path) => path.startsWith('/') && !path.includes('\0'), 'not an absolute path')
      .refine((path) => Buffer.byteLength(path) <= LONGEST_PATH, 'too long for a Unix socket'),
    mode: z.int().min(1).max(0o777),
  }),
  // Without a kind in the state of control planes that knew no other.
  z.strictObject({ kind: z.literal('tcp').default('tcp'), ...socketAddress.shape }),
])

const name = z.string().regex(DNS_LABEL, 'not a DNS label')

/** At most so many services run on one host. */
const MOST_SERVICES = 1000

/** At most so many ports have all its services together, and so many upstreams: its Envoy has to hold each of them. */
const MOST_OF_ALL = 2000

/** The latest time that a date can have, milliseconds. */
const time = z.number().min(0).max(8.64e15)

const shortText = z.string().max(1024)

export const hostReport = z.strictObject({
  advertised: reachable,
  inbound: socketAddress,
  region: shortText,
  zone: shortText,
  labels: z.record(z.string().max(253), shortText),
  agentVersion: shortText,
  envoyVersion: shortText,
  namesRange: z.union([
    z.literal(''),
    z.string().regex(/^\d{1,3}(?:\.\d{1,3}){3}\/(?:[89]|1[0-6])$/, 'not a range of /16 or larger'),
  ]),
  namesDns: shortText,
  /** 0: Envoy listens on the virtual addresses itself. */
  namesRedirectPort: z.int().min(0).max(65535).default(0),
  namesProblem: shortText.default(''),
  occupiedPorts: z.array(port).max(65_535),
  portHolders: z
    .array(z.strictObject({ port, process: shortText }))
    .max(65_535)
    .default([]),
  caller: shortText,
  applicationAddress: ipAddress,
  envoyMetrics: shortText,
  /** Not in the state of control planes that did not know it. */
  agentMetrics: shortText.default(''),
})

export const serviceReport = z.strictObject({
  service: name,
  ports: z
    .array(
      z.strictObject({
        name,
        port,
        protocol,
        assumed: z.boolean(),
      }),
    )
    .min(1)
    .max(100)
    .refine((ports) => new Set(ports.map((one) => one.name)).size === ports.length, 'two ports of one name'),
  labels: z.record(z.string().max(253), shortText),
  weight: z.int().min(1).max(10_000),
  health: z.enum(['passing', 'critical', 'draining']),
  healthDetail: shortText,
  source: shortText,
  /** Where other hosts reach it around the mesh. */
  exposedAt: z.array(shortText).max(1000).default([]),
  upstreams: z.array(z.strictObject({ service: name, bind, port: z.union([z.literal(''), name]) })).max(1000),
  /** Of an instance beside the first of its service on the host; 0: the host's own. */
  inboundPort: z.int().min(0).max(65_535).default(0),
})

const servicesReport = z
  .array(serviceReport)
  .max(MOST_SERVICES)
  .refine((all) => countOf(all, 'ports') <= MOST_OF_ALL, `more than ${MOST_OF_ALL} ports on one host`)
  .refine((all) => countOf(all, 'upstreams') <= MOST_OF_ALL, `more than ${MOST_OF_ALL} upstreams on one host`)
  .refine((all) => areUnique(all.map(({ service, ports }) => `${service}:${ports[0]?.port}`)), 'one instance twice')
  .refine((all) => areUnique(all.map((one) => `${one.service}@${one.inboundPort}`)), 'instances at one inbound port')

function countOf<Key extends string>(all: readonly Readonly<Record<Key, readonly unknown[]>>[], key: Key): number {
  return all.reduce((sum, one) => sum + one[key].length, 0)
}

function areUnique(keys: readonly string[]): boolean {
  return new Set(keys).size === keys.length
}

/** A host as its agent describes it. */
export type HostFacts = z.infer<typeof hostReport>
/** One service of a host, with its health. */
export type ServiceFacts = z.infer<typeof serviceReport>

const envoyReport = z.strictObject({
  state: z.string().max(20),
  sinceMs: time,
  restarts: z.int().min(0),
  /** For people; empty from agents that do not say. */
  detail: shortText,
  refused: z
    .array(
      z.strictObject({
        typeUrl: shortText,
        name: shortText,
        version: z.string().max(100),
        error: z.string().max(4096),
      }),
    )
    .max(10_000),
  acknowledged: z.int().min(0),
  subscribed: z.int().min(0),
  certificateExpiryMs: time,
  controlPlaneId: shortText,
})

/** What a host's Envoy does and makes of its configuration; times are wall-clock milliseconds. */
export type EnvoyFacts = z.infer<typeof envoyReport>

const HEALTH_NAMES = {
  [Health.PASSING]: 'passing',
  [Health.CRITICAL]: 'critical',
  [Health.DRAINING]: 'draining',
  [Health.UNSPECIFIED]: 'critical',
} as const

/** Reads a host report from the wire. @throws ZodError where a field has an impossible value. */
export function parseHostReport(message: HostReport): HostFacts {
  return hostReport.parse({
    advertised: { address: message.address, port: message.port },
    inbound: { address: message.inboundAddress, port: message.inboundPort },
    region: message.region,
    zone: message.zone,
    labels: message.labels,
    agentVersion: message.agentVersion,
    envoyVersion: message.envoyVersion,
    namesRange: message.namesRange,
    namesDns: message.namesDns,
    namesRedirectPort: message.namesMode === 'redirect' ? message.namesRedirectPort : 0,
    namesProblem: message.namesProblem,
    occupiedPorts: message.occupiedPorts,
    portHolders: message.portHolders.map(({ port, process }) => ({ port, process })),
    caller: message.caller,
    applicationAddress: message.applicationAddress || '127.0.0.1',
    envoyMetrics: message.envoyMetrics,
    agentMetrics: message.agentMetrics,
  })
}

/** Reads all services of a host from the wire. @throws ZodError where a field has an impossible value. */
export function parseServicesReport(message: ServicesReport): readonly ServiceFacts[] {
  return servicesReport.parse(
    message.services.map((report) => ({
      service: report.service,
      ports: report.ports.map(({ name, port, protocol, assumedProtocol }) => ({
        name,
        port,
        protocol,
        assumed: assumedProtocol,
      })),
      labels: report.labels,
      weight: report.weight || 100,
      health: HEALTH_NAMES[report.health],
      healthDetail: report.healthDetail,
      source: report.source,
      exposedAt: report.exposedAt,
      upstreams: report.upstreams.map(({ service, bind, port, socketMode }) => ({
        service,
        bind: parseBind(bind, socketMode),
        port,
      })),
      inboundPort: report.inboundPort,
    })),
  )
}

/** Reads what a host says of its Envoy. @throws ZodError where a field has an impossible value. */
export function parseEnvoyReport(message: EnvoyReport): EnvoyFacts {
  return envoyReport.parse({
    state: message.state,
    sinceMs: Number(message.sinceUnixMs),
    restarts: message.restarts,
    detail: message.detail.slice(0, 1024),
    refused: message.refused.map(({ typeUrl, name, version, error }) => ({
      typeUrl,
      name,
      version,
      error: error.slice(0, 4096),
    })),
    acknowledged: message.acknowledged,
    subscribed: message.subscribed,
    certificateExpiryMs: Number(message.certificateExpiryUnixMs),
    controlPlaneId: message.controlPlaneId,
  })
}
