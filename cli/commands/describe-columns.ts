/** How the parts of a described service are shown in tables. */
import type {
  AbsentHostView,
  AccessRuleView,
  ForwardingView,
  InstanceDescription,
  PortDescription,
  ProblemView,
  RetryView,
  RouteRuleView,
  ServiceDescription,
  SettingView,
} from '../../common/admin-api.js'
import { formatDuration } from '../../common/config/fields.js'
import { formatInline } from '../output.js'
import type { Column } from '../table.js'
import { SERVICE_COLUMNS, type ServiceRow } from './services.js'

const REACH = { mesh: 'with mutual TLS', plain: 'in plain text' } as const

export const PORTS: readonly Column<PortDescription>[] = [
  { title: 'PORT', value: ({ name }) => name },
  { title: 'NUMBERS', value: ({ numbers }) => numbers.join(', ') },
  { title: 'PROTOCOL', value: ({ protocol }) => protocol },
  { title: 'CARRIED', value: ({ carriage, reach }) => `${carriage} ${REACH[reach]}` },
  { title: 'FROM', value: ({ from }) => from },
  { title: 'NOTES', value: ({ notes }) => notes.join('; ') },
]

export const SETTINGS: readonly Column<SettingView>[] = [
  { title: 'SETTING', value: ({ setting }) => setting },
  { title: 'VALUE', value: formatSetting },
  { title: 'FROM', value: ({ from }) => from },
]

export const SUBSETS: readonly Column<ServiceDescription['subsets'][number]>[] = [
  { title: 'SUBSET', value: ({ name }) => name },
  {
    title: 'LABELS',
    value: ({ labels }) =>
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
  },
  { title: 'INSTANCES', value: ({ instances }) => String(instances) },
  { title: 'FROM', value: ({ from }) => from },
]

export const ACCESS: readonly Column<AccessRuleView>[] = [
  { title: 'ACCESS', value: ({ effect }) => effect },
  { title: 'RULE', value: ({ name }) => name },
  { title: 'CALLERS', value: ({ who }) => who },
  { title: 'REQUESTS', value: ({ what }) => what },
  { title: 'IN EFFECT', value: ({ inEffect }) => (inEffect ? 'yes' : 'no') },
  { title: 'FROM', value: ({ from }) => from },
  { title: 'NOTES', value: ({ notes }) => notes.join('; ') },
]

/** A rule, or what is done with what no rule matches. */
export const ROUTES: readonly Column<ForwardingView & Partial<RouteRuleView>>[] = [
  { title: 'PORT', value: ({ port }) => port ?? 'all' },
  { title: 'ROUTE', value: ({ name }) => name ?? '' },
  { title: 'MATCH', value: ({ match }) => match },
  { title: 'GOES', value: ({ goes }) => goes },
  {
    title: 'TIMEOUT',
    value: ({ timeout }) => (typeof timeout === 'number' ? formatDuration(timeout) : (timeout ?? '')),
  },
  { title: 'RETRIES', value: ({ retry }) => (retry === undefined ? '' : formatRetry(retry)) },
  { title: 'IN EFFECT', value: ({ inEffect = true }) => (inEffect ? 'yes' : 'no') },
  { title: 'FROM', value: ({ from = 'default' }) => from },
  {
    title: 'NOTES',
    value: ({ notes, retry }) => [...notes, ...(retry === undefined ? [] : retryNotes(retry))].join('; '),
  },
]

/** With where instances come from; what keeps requests from one is in its notes. */
export const INSTANCES: readonly Column<ServiceRow & { readonly instance: InstanceDescription }>[] = [
  ...SERVICE_COLUMNS.filter(({ title }) => !['SERVICE', 'REACH', 'NOTES'].includes(title)),
  { title: 'CALLED', value: ({ instance }) => (instance.used ? 'yes' : 'no') },
  { title: 'NOTES', value: ({ instance }) => instance.notes.join('; ') },
]

export const ABSENT: readonly Column<AbsentHostView>[] = [
  { title: 'NO INSTANCE OF', value: ({ host }) => host },
  { title: 'BECAUSE', value: ({ why }) => why },
]

export const PROBLEMS: readonly Column<ProblemView>[] = [
  { title: 'PROBLEM', value: ({ severity }) => severity },
  { title: 'PLACE', value: ({ place }) => place },
  { title: 'CODE', value: ({ code }) => code },
  { title: 'MESSAGE', value: ({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`) },
]

/** `2, each up to 500ms` */
function formatRetry({ retries, perTry }: RetryView): string {
  return perTry === undefined ? String(retries) : `${retries}, each up to ${formatDuration(perTry)}`
}

/** When requests are tried again, where it is not as the settings say. */
function retryNotes({ on, methods }: RetryView): readonly string[] {
  return [
    ...(on === undefined ? [] : [`tried again on ${on.join(', ')}`]),
    ...(methods === undefined ? [] : [`tried again only with ${methods.join(', ')}`]),
  ]
}

function formatSetting({ value, unit }: SettingView): string {
  if (Array.isArray(value)) return value.join(', ')
  if (typeof value !== 'number' || unit === undefined) return formatInline(value)
  return { ms: formatDuration, bytes: formatBytes, '%': (share: number) => `${share}%` }[unit](value)
}

function formatBytes(bytes: number): string {
  const mebibytes = bytes / 2 ** 20
  return Number.isInteger(mebibytes) ? `${mebibytes}MiB` : `${bytes}B`
}
