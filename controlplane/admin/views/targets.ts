import { isIP } from 'node:net'
import type { TargetGroup } from '../../../common/admin-api.js'
import {
  formatSocketAddress,
  isWildcard,
  parseSocketAddress,
  type SocketAddress,
} from '../../../common/socket-address.js'
import type { AgentRecord } from '../../catalog/agents.js'
import type { ViewSource } from './source.js'

/** Where the metrics of the control plane are read. */
export interface OwnTarget {
  readonly id: string
  readonly address: SocketAddress
}

/**
 * What Prometheus can scrape: the Envoy and the agent of every host that has reported and is not banned, and the control
 * plane. An address that only its own host can reach is left out, unless the host as a whole is on loopback.
 *
 * @see https://prometheus.io/docs/prometheus/latest/http_sd/
 */
export function viewTargets(
  { records, enrolled }: Pick<ViewSource, 'records' | 'enrolled'>,
  own: OwnTarget | undefined,
): readonly TargetGroup[] {
  const banned = new Set(enrolled.filter((one) => one.banned !== undefined).map(({ host }) => host))
  const hosts = [...records.values()].filter(({ host }) => !banned.has(host)).sort((a, b) => (a.host < b.host ? -1 : 1))
  return [...(own === undefined ? [] : [ownGroup(own)]), ...hosts.flatMap(hostGroups)]
}

function ownGroup({ id, address }: OwnTarget): TargetGroup {
  return { targets: [formatSocketAddress(address)], labels: { job: 'mesh-controlplane', control_plane: id } }
}

function hostGroups(record: AgentRecord): readonly TargetGroup[] {
  const { envoyMetrics, agentMetrics } = record.facts
  return [['mesh-envoy', envoyMetrics] as const, ['mesh-agent', agentMetrics] as const].flatMap(([job, listens]) => {
    const target = reachable(listens, record.facts.advertised.address)
    return target === undefined ? [] : { targets: [target], labels: { job, ...labelsOf(record) } }
  })
}

/** The address under which others reach a listener of a host; undefined where none do. */
function reachable(listens: string, host: string): string | undefined {
  const bound = parseSocketAddress(listens)
  if (bound === undefined) return undefined
  if (isLoopback(bound.address) && !isLoopback(host)) return undefined
  // Every IPv4 address is none of IPv6; a program at :: may take both.
  if (bound.address === '0.0.0.0' && isIP(host) === 6) return undefined
  return formatSocketAddress(isWildcard(bound.address) ? { address: host, port: bound.port } : bound)
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** Labels that begin with `__meta_` are there for relabelling and are dropped after it. */
function labelsOf({ host, facts, services }: AgentRecord): Readonly<Record<string, string>> {
  return {
    host,
    ...(facts.region === '' ? {} : { region: facts.region }),
    ...(facts.zone === '' ? {} : { zone: facts.zone }),
    // Commas at both ends, so that a regular expression finds a whole name: `.*,web,.*`.
    __meta_mesh_services: `,${services.map(({ service }) => service).join()},`,
    ...Object.fromEntries(Object.entries(facts.labels).map(([key, value]) => [metaLabel(key), value])),
  }
}

function metaLabel(key: string): string {
  return `__meta_mesh_label_${key.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`
}
