import { create } from '@bufbuild/protobuf'
import { formatBind } from '../common/bind.js'
import {
  type EnvoyReport,
  EnvoyReportSchema,
  Health,
  type HostReport,
  HostReportSchema,
  type ServiceReport,
  ServiceReportSchema,
  type ServicesReport,
  ServicesReportSchema,
} from '../common/proto/mesh/v1/mesh_pb.js'
import { formatSocketAddress, type SocketAddress } from '../common/socket-address.js'
import { VERSION } from '../common/version.js'
import type { ServiceHealth } from './checks/run-check.js'
import type { EnvoyState } from './envoy/launcher.js'
import type { Credentials } from './identity/certificates.js'
import type { PlacedService } from './inbound-ports.js'
import type { RelayStatus } from './relay/relay.js'
import { instanceKey, type ServiceFile } from './service-file.js'
import type { AgentSettings } from './settings-schema.js'

/** Facts of the host that are not in its settings. */
export interface HostFacts {
  readonly address: string
  readonly envoyVersion: string
  readonly sessionId: string
  /** Ports that name listeners must leave alone, ascending. */
  readonly occupiedPorts: readonly number[]
  /** Of them, those that a program listens on at every address; the process is empty where it is not known. */
  readonly portHolders: readonly { readonly port: number; readonly process: string }[]
  /** Where services of the host listen so that other hosts reach them around the mesh. */
  readonly exposed: readonly SocketAddress[]
  /** The service whose identity calls by name carry; undefined: the host's own. */
  readonly caller: string | undefined
  /** What keeps calls by name from working, for people; undefined: nothing that is known. */
  readonly namesProblem: string | undefined
}

/** What the agent says of its host. */
export function buildHostReport(settings: AgentSettings, facts: HostFacts): HostReport {
  const { advertise, inbound, locality, labels, names, metrics, applicationAddress } = settings
  return create(HostReportSchema, {
    address: advertise?.address ?? facts.address,
    port: advertise?.port ?? inbound.port,
    inboundAddress: inbound.address ?? facts.address,
    inboundPort: inbound.port,
    region: locality.region ?? '',
    zone: locality.zone ?? '',
    labels,
    agentVersion: VERSION,
    envoyVersion: facts.envoyVersion,
    namesRange: names.enabled ? names.range : '',
    namesDns: names.enabled ? formatSocketAddress(names.dns) : '',
    namesMode: names.mode,
    namesRedirectPort: names.mode === 'redirect' ? names.redirectPort : 0,
    namesProblem: (facts.namesProblem ?? '').slice(0, 500),
    occupiedPorts: [...facts.occupiedPorts],
    portHolders: facts.portHolders.map(({ port, process }) => ({ port, process })),
    sessionId: facts.sessionId,
    caller: facts.caller ?? '',
    applicationAddress,
    envoyMetrics: metrics.envoy === 'off' ? '' : formatSocketAddress(metrics.envoy),
    agentMetrics: metrics.agent === 'off' ? '' : formatSocketAddress(metrics.agent),
  })
}

/** What reports of services depend on beside their files: first of all what their health depends on. */
export interface ServicesInput {
  /** Where services listen so that other hosts reach them around the mesh. */
  readonly exposed: readonly SocketAddress[]
  readonly leaving: boolean
  /** By instance; undefined until its first check has a result. */
  readonly checks: ReadonlyMap<string, ServiceHealth | undefined>
  readonly envoy: EnvoyState['state']
  readonly credentials: Credentials
}

/** What the agent says of its services, in the order of their files. */
export function buildServicesReport(services: readonly PlacedService[], input: ServicesInput): ServicesReport {
  return create(ServicesReportSchema, { services: services.map((service) => buildServiceReport(service, input)) })
}

function buildServiceReport(file: PlacedService, input: ServicesInput): ServiceReport {
  const { health, detail } = judgeHealth(file, input)
  return create(ServiceReportSchema, {
    service: file.service,
    ports: file.ports.map(({ name, port, protocol, assumed }) => ({ name, port, protocol, assumedProtocol: assumed })),
    labels: file.labels,
    tags: [...file.tags],
    weight: file.weight,
    health,
    healthDetail: detail.slice(0, 500),
    source: `${file.location.file}:${file.location.line}`,
    exposedAt: input.exposed.filter(({ port }) => file.ports.some((one) => one.port === port)).map(formatSocketAddress),
    upstreams: file.upstreams.map(({ service, bind, port }) => ({
      service,
      bind: formatBind(bind),
      port: port ?? '',
      socketMode: bind.kind === 'pipe' ? bind.mode : 0,
    })),
    inboundPort: file.inboundPort,
  })
}

/** A service gets requests only when its application answers and Envoy can take them with its certificate. */
function judgeHealth(file: ServiceFile, input: ServicesInput): { readonly health: Health; readonly detail: string } {
  if (input.leaving) return { health: Health.DRAINING, detail: 'the host leaves' }
  const check = input.checks.get(instanceKey(file))
  if (check === undefined) return { health: Health.CRITICAL, detail: 'not checked yet' }
  if (check.health === 'critical') return { health: Health.CRITICAL, detail: check.detail }
  if (input.envoy !== 'ready') return { health: Health.CRITICAL, detail: `Envoy is ${input.envoy}` }
  if (!input.credentials.services.has(file.service))
    return { health: Health.CRITICAL, detail: 'it has no certificate yet' }
  return { health: Health.PASSING, detail: check.detail }
}

/** What the agent says of its Envoy. */
export function buildEnvoyReport(
  envoy: EnvoyState,
  relay: RelayStatus,
  credentials: Credentials,
  controlPlaneId: string,
): EnvoyReport {
  const ends = [credentials.host, ...credentials.services.values()].map(({ notAfter }) => notAfter)
  return create(EnvoyReportSchema, {
    state: envoy.state,
    sinceUnixMs: BigInt(Math.round(envoy.since)),
    restarts: envoy.restarts,
    detail: envoy.detail.slice(0, 500),
    refused: relay.refused.map(({ type, name, version, error }) => ({ typeUrl: type, name, version, error })),
    acknowledged: relay.acknowledged,
    subscribed: relay.subscribed,
    certificateExpiryUnixMs: BigInt(Math.min(...ends)),
    controlPlaneId,
  })
}
