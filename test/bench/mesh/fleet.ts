import { create } from '@bufbuild/protobuf'
import {
  type AgentMessage,
  AgentMessageSchema,
  Health,
  HostReportSchema,
  ServicesReportSchema,
} from '../../../common/proto/mesh/v1/mesh_pb.js'
import type { AgentRecord, AgentRecords } from '../../../controlplane/catalog/agents.js'
import { parseHostReport, parseServicesReport } from '../../../controlplane/catalog/report.js'

/** How large a mesh is: each host runs one instance of one service, by turns. */
export interface FleetSize {
  readonly services: number
  readonly hosts: number
}

/** What may differ from host to host in what it reports. */
export interface Reported {
  readonly health?: 'passing' | 'critical'
  readonly weight?: number
}

export const TRUST_DOMAIN = 'bench.mesh'

/** The named port of every service. */
export const PORT = 'main'

export function serviceName(index: number): string {
  return `svc-${String(index).padStart(4, '0')}`
}

export function hostName(index: number): string {
  return `host-${String(index).padStart(5, '0')}`
}

/** Where the Envoy of a host is reached. */
export function hostAddress(index: number): string {
  return `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
}

/** What the agent of a host says of it. */
export function hostMessage(index: number, sessionId = `session-${index}`): AgentMessage {
  const address = hostAddress(index)
  const value = create(HostReportSchema, {
    address,
    port: 15_006,
    inboundAddress: address,
    inboundPort: 15_006,
    region: 'eu-1',
    zone: `eu-1${'abc'[index % 3]}`,
    agentVersion: '0.1.0',
    envoyVersion: '1.40.0',
    namesRange: '127.80.0.0/12',
    namesDns: '127.0.0.1:15053',
    namesMode: 'redirect',
    namesRedirectPort: 15_001,
    sessionId,
  })
  return create(AgentMessageSchema, { message: { case: 'host', value } })
}

/** What the agent of a host says of its instance. */
export function servicesMessage(index: number, { services }: FleetSize, reported: Reported = {}): AgentMessage {
  const { health = 'passing', weight = 100 } = reported
  const service = serviceName(index % services)
  const value = create(ServicesReportSchema, {
    services: [
      {
        service,
        ports: [{ name: PORT, port: 8080, protocol: 'http' }],
        labels: { version: `v${1 + (Math.floor(index / services) % 2)}` },
        weight,
        health: health === 'passing' ? Health.PASSING : Health.CRITICAL,
        source: `services.d/${service}.yaml:1`,
      },
    ],
  })
  return create(AgentMessageSchema, { message: { case: 'services', value } })
}

/** The reports of a whole fleet, as a control plane keeps them over a restart. */
export function fleetRecords(size: FleetSize, reported: ReadonlyMap<number, Reported> = new Map()): AgentRecords {
  const records = new Map<string, AgentRecord>()
  for (let index = 0; index < size.hosts; index++) {
    records.set(hostName(index), recordOf(index, size, reported.get(index)))
  }
  return records
}

function recordOf(index: number, size: FleetSize, reported: Reported | undefined): AgentRecord {
  const [host, services] = [hostMessage(index).message, servicesMessage(index, size, reported).message]
  if (host.case !== 'host' || services.case !== 'services') throw new Error('reports of another kind')
  return {
    host: hostName(index),
    session: { state: 'live', since: 0 },
    facts: parseHostReport(host.value),
    services: parseServicesReport(services.value),
  }
}
