import { z } from 'zod'
import type { Column } from '../table.js'
import { envoyAddress, formatEnvoyAddress } from './envoy-address.js'

const lbEndpoint = z.object({
  endpoint: z.object({ address: envoyAddress }).optional(),
  health_status: z.string().optional(),
  load_balancing_weight: z.number().optional(),
})

const locality = z.object({ region: z.string().optional(), zone: z.string().optional() })

const endpoints = z.object({
  configs: z
    .array(
      z.object({
        endpoint_config: z.object({
          cluster_name: z.string().default(''),
          endpoints: z
            .array(
              z.object({
                locality: locality.optional(),
                priority: z.number().default(0),
                lb_endpoints: z.array(lbEndpoint).default([]),
              }),
            )
            .default([]),
        }),
      }),
    )
    .default([]),
})

/** An endpoint of a cluster; of one that has none, a row without an address. */
interface EndpointRow {
  readonly cluster: string
  readonly address: string
  readonly health: string
  readonly weight: string
  readonly locality: string
  readonly priority: string
}

/** The endpoints that an Envoy has for its clusters, from its `dynamic_endpoint_configs`. */
export function endpointRows(answer: unknown): readonly EndpointRow[] {
  return endpoints.parse(answer).configs.flatMap(({ endpoint_config: { cluster_name: cluster, endpoints } }) => {
    const rows = endpoints.flatMap(({ locality, priority, lb_endpoints: all }) =>
      all.map(
        (one): EndpointRow => ({
          cluster,
          address: one.endpoint === undefined ? '' : formatEnvoyAddress(one.endpoint.address),
          // What nobody has said is healthy for Envoy.
          health: one.health_status === undefined || one.health_status === 'UNKNOWN' ? 'HEALTHY' : one.health_status,
          weight: String(one.load_balancing_weight ?? 1),
          locality: [locality?.region, locality?.zone].filter((part) => part !== undefined && part !== '').join('/'),
          priority: String(priority),
        }),
      ),
    )
    if (rows.length > 0) return rows
    return [{ cluster, address: 'none', health: '', weight: '', locality: '', priority: '' }]
  })
}

export const ENDPOINT_COLUMNS: readonly Column<EndpointRow>[] = [
  { title: 'CLUSTER', value: ({ cluster }) => cluster },
  { title: 'ENDPOINT', value: ({ address }) => address },
  { title: 'HEALTH', value: ({ health }) => health },
  { title: 'WEIGHT', value: ({ weight }) => weight },
  { title: 'LOCALITY', value: ({ locality }) => locality },
  { title: 'PRIORITY', value: ({ priority }) => priority, wide: true },
]
