import { z } from 'zod'
import type { QuestionAbout } from '../../common/questions.js'
import { askControlPlane } from '../admin-client.js'
import { printRows, printValue, type Write } from '../output.js'
import { ago, type Column } from '../table.js'
import { envoyAddress as address, formatEnvoyAddress as formatAddress } from './envoy-address.js'
import { ENDPOINT_COLUMNS, endpointRows } from './host-endpoints.js'
import { ROUTE_COLUMNS, routeRows } from './host-routes.js'

/** Prints what the live Envoy of a host says: as tables, or (`dump`, `-o json`) as Envoy's own JSON. */
export async function showEnvoy(
  host: string,
  about: QuestionAbout,
  { output, socket }: { readonly output: string; readonly socket: string },
  write: Write,
): Promise<void> {
  const answer = await askControlPlane<unknown>(socket, 'POST', `/v1/hosts/${encodeURIComponent(host)}/ask/${about}`)
  if (about === 'dump') printValue(output === 'yaml' ? 'yaml' : 'json', answer, write)
  else if (about === 'clusters') printRows(output, answer, clusterRows(answer), CLUSTER_COLUMNS, write)
  else if (about === 'listeners') printRows(output, answer, listenerRows(answer), LISTENER_COLUMNS, write)
  else if (about === 'stats') printRows(output, answer, statRows(answer), STAT_COLUMNS, write)
  else if (about === 'endpoints') printRows(output, answer, endpointRows(answer), ENDPOINT_COLUMNS, write)
  else if (about === 'routes') printRows(output, answer, routeRows(answer), ROUTE_COLUMNS, write)
  else printRows(output, answer, resourceRows(answer), RESOURCE_COLUMNS, write)
}

const clusters = z.object({
  cluster_statuses: z.array(
    z.object({
      name: z.string(),
      host_statuses: z
        .array(
          z.object({
            address,
            health_status: z.object({ eds_health_status: z.string().optional() }).loose().optional(),
            weight: z.number().optional(),
            stats: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
          }),
        )
        .default([]),
    }),
  ),
})

function clusterRows(answer: unknown) {
  return clusters.parse(answer).cluster_statuses.flatMap(({ name, host_statuses: hosts }) =>
    hosts.map((host) => ({
      name,
      endpoint: formatAddress(host.address),
      flags: Object.keys(host.health_status ?? {}).filter((key) => key !== 'eds_health_status'),
      health: host.health_status?.eds_health_status ?? '',
      weight: host.weight ?? 1,
      stat: (wanted: string) => host.stats.find((one) => one.name === wanted)?.value ?? '0',
    })),
  )
}

const CLUSTER_COLUMNS: readonly Column<ReturnType<typeof clusterRows>[number]>[] = [
  { title: 'CLUSTER', value: ({ name }) => name },
  { title: 'ENDPOINT', value: ({ endpoint }) => endpoint },
  { title: 'HEALTH', value: ({ health }) => health },
  { title: 'WEIGHT', value: ({ weight }) => String(weight) },
  { title: 'REQUESTS', value: ({ stat }) => stat('rq_total') },
  { title: 'ERRORS', value: ({ stat }) => stat('rq_error') },
  { title: 'CONNECTIONS', value: ({ stat }) => stat('cx_active') },
  { title: 'NOTES', value: ({ flags }) => flags.map((flag) => flag.replaceAll('_', ' ')).join('; ') },
]

const listeners = z.object({
  listener_statuses: z.array(
    z.object({ name: z.string(), local_address: address, additional_local_addresses: z.array(address).default([]) }),
  ),
})

function listenerRows(answer: unknown) {
  return listeners.parse(answer).listener_statuses.map((one) => ({
    name: one.name,
    addresses: [one.local_address, ...one.additional_local_addresses].map(formatAddress),
  }))
}

const LISTENER_COLUMNS: readonly Column<ReturnType<typeof listenerRows>[number]>[] = [
  { title: 'LISTENER', value: ({ name }) => name },
  { title: 'ADDRESSES', value: ({ addresses }) => addresses.join(', ') },
]

const stats = z.object({ stats: z.array(z.unknown()) })
const stat = z.object({ name: z.string(), value: z.union([z.number(), z.string()]) })

/** Histograms, which Envoy puts into the same list, are only in the JSON. */
function statRows(answer: unknown) {
  return stats.parse(answer).stats.flatMap((one) => stat.safeParse(one).data ?? [])
}

const STAT_COLUMNS: readonly Column<z.infer<typeof stat>>[] = [
  { title: 'STAT', value: ({ name }) => name },
  { title: 'VALUE', value: ({ value }) => String(value) },
]

const resources = z.object({
  configs: z
    .array(
      z.object({
        name: z.string().optional(),
        version_info: z.string().default(''),
        last_updated: z.string().optional(),
      }),
    )
    .default([]),
})

function resourceRows(answer: unknown) {
  return resources.parse(answer).configs.map((one) => ({
    name: one.name ?? '',
    version: one.version_info,
    updated: one.last_updated,
  }))
}

const RESOURCE_COLUMNS: readonly Column<ReturnType<typeof resourceRows>[number]>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'VERSION', value: ({ version }) => version },
  { title: 'AGO', value: ({ updated }) => ago(updated) },
]
