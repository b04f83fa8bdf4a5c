import { z } from 'zod'
import { formatInline } from '../output.js'
import { ago, type Column } from '../table.js'

const weighted = z.object({
  clusters: z.array(z.object({ name: z.string().default(''), weight: z.number().default(0) })).default([]),
})

/** Only what the table shows; a match is shown as Envoy has it where it is more than a path. */
const route = z.object({
  name: z.string().default(''),
  match: z.record(z.string(), z.unknown()).default({}),
  route: z.object({ cluster: z.string().optional(), weighted_clusters: weighted.optional() }).loose().optional(),
  direct_response: z.object({ status: z.number() }).loose().optional(),
  redirect: z.unknown().optional(),
  non_forwarding_action: z.unknown().optional(),
})

const routes = z.object({
  configs: z
    .array(
      z.object({
        version_info: z.string().default(''),
        last_updated: z.string().optional(),
        route_config: z.object({
          name: z.string().default(''),
          virtual_hosts: z
            .array(z.object({ domains: z.array(z.string()).default([]), routes: z.array(route).default([]) }))
            .default([]),
        }),
      }),
    )
    .default([]),
})

/** One route of a virtual host, in the order in which they are tried. */
interface RouteRow {
  readonly config: string
  readonly domains: readonly string[]
  readonly name: string
  readonly match: string
  readonly target: string
  readonly version: string
  readonly updated: string | undefined
}

/** The routes that an Envoy has, from its `dynamic_route_configs`; a configuration without any has a row too. */
export function routeRows(answer: unknown): readonly RouteRow[] {
  return routes
    .parse(answer)
    .configs.flatMap(({ route_config: config, version_info: version, last_updated: updated }) => {
      const common = { config: config.name, version, updated }
      const rows = config.virtual_hosts.flatMap(({ domains, routes: all }) =>
        all.map((one) => ({
          ...common,
          domains,
          name: one.name,
          match: formatMatch(one.match),
          target: targetOf(one),
        })),
      )
      return rows.length > 0 ? rows : [{ ...common, domains: [], name: '', match: '', target: 'nothing' }]
    })
}

/** `prefix /charge`, and what else there is as Envoy writes it. */
function formatMatch({
  prefix,
  path,
  path_separated_prefix: below,
  safe_regex: regex,
  ...more
}: Record<string, unknown>) {
  const expression = (regex as { readonly regex?: unknown } | undefined)?.regex
  const parts = [
    ...(prefix === undefined ? [] : [`${prefix}*`]),
    ...(path === undefined ? [] : [String(path)]),
    ...(below === undefined ? [] : [`${below} and ${below}/*`]),
    ...(expression === undefined ? [] : [`~ ${expression}`]),
    formatInline(more),
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function targetOf({ route: to, direct_response: answer, redirect }: z.infer<typeof route>): string {
  if (answer !== undefined) return `answers ${answer.status}`
  if (redirect !== undefined) return 'redirects'
  if (to?.weighted_clusters === undefined) return to?.cluster ?? ''
  return to.weighted_clusters.clusters.map(({ name, weight }) => `${weight} ${name}`).join(', ')
}

export const ROUTE_COLUMNS: readonly Column<RouteRow>[] = [
  { title: 'ROUTES', value: ({ config }) => config },
  { title: 'DOMAINS', value: ({ domains }) => domains.join(', '), wide: true },
  { title: 'MATCH', value: ({ match }) => match },
  { title: 'TARGET', value: ({ target }) => target },
  { title: 'RULE', value: ({ name }) => name },
  { title: 'VERSION', value: ({ version }) => version },
  { title: 'AGO', value: ({ updated }) => ago(updated), wide: true },
]
