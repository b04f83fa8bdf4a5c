import { z } from 'zod'
import { type EnvoyReport, Health, type HostReport, type ServicesReport } from '../../common/proto/mesh/v1/mesh_pb.js'
import { parseSocketAddress } from '../../common/socket-address.js'

/**
 * What an agent says of its host, proven and as plain data: it arrives as protobuf, is kept on disk over restarts, and
 * is merged into the catalog. Absent texts are empty, as in protobuf.
 */
const port = z.int().min(1).max(65535)

const socketAddress = z.strictObject({ address: z.string().min(1).max(253), port })

const shortText = z.string().max(1024)

export const hostReport = z.strictObject({
  advertised: socketAddress,
  inbound: socketAddress,
  region: shortText,
  zone: shortText,
  labels: z.record(z.string().max(253), shortText),
  agentVersion: shortText,
  envoyVersion: shortText,
  namesRange: shortText,
  namesDns: shortText,
  occupiedPorts: z.array(port).max(65_535),
  caller: shortText,
  applicationAddress: z.string().min(1).max(253),
  envoyMetrics: shortText,
})

export const serviceReport = z.strictObject({
  service: z.string().min(1).max(63),
  ports: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(63),
        port,
        protocol: z.enum(['http', 'tcp']),
        assumed: z.boolean(),
      }),
    )
    .min(1)
    .max(100),
  labels: z.record(z.string().max(253), shortText),
  weight: z.int().min(1).max(10_000),
  health: z.enum(['passing', 'critical', 'draining']),
  healthDetail: shortText,
  source: shortText,
  upstreams: z
    .array(z.strictObject({ service: z.string().min(1).max(63), bind: socketAddress, port: z.string().max(63) }))
    .max(1000),
})

/** A host as its agent describes it. */
export type HostFacts = z.infer<typeof hostReport>
/** One service of a host, with its health. */
export type ServiceFacts = z.infer<typeof serviceReport>

/** What a host's Envoy does and makes of its configuration. */
export interface EnvoyFacts {
  readonly state: string
  readonly sinceMs: number
  readonly restarts: number
  readonly refused: readonly {
    readonly typeUrl: string
    readonly name: string
    readonly version: string
    readonly error: string
  }[]
  readonly acknowledged: number
  readonly subscribed: number
  readonly certificateExpiryMs: number
}

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
    occupiedPorts: message.occupiedPorts,
    caller: message.caller,
    applicationAddress: message.applicationAddress || '127.0.0.1',
    envoyMetrics: message.envoyMetrics,
  })
}

/** Reads all services of a host from the wire. @throws ZodError where a field has an impossible value. */
export function parseServicesReport(message: ServicesReport): readonly ServiceFacts[] {
  return message.services.map((report) =>
    serviceReport.parse({
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
      upstreams: report.upstreams.map(({ service, bind, port }) => ({ service, bind: parseSocketAddress(bind), port })),
    }),
  )
}

/** Reads what a host says of its Envoy. */
export function parseEnvoyReport(message: EnvoyReport): EnvoyFacts {
  return {
    state: message.state,
    sinceMs: Number(message.sinceUnixMs),
    restarts: message.restarts,
    refused: message.refused.map(({ typeUrl, name, version, error }) => ({ typeUrl, name, version, error })),
    acknowledged: message.acknowledged,
    subscribed: message.subscribed,
    certificateExpiryMs: Number(message.certificateExpiryUnixMs),
  }
}
