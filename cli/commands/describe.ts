import type { Command } from 'commander'
import type {
  AccessRuleView,
  ProblemView,
  RouteRuleView,
  ServiceDescription,
  SettingView,
} from '../../common/admin-api.js'
import { askControlPlane } from '../admin-client.js'
import { formatInline, outputOption, printValue, type Write } from '../output.js'
import { type Column, formatTable } from '../table.js'
import { SERVICE_COLUMNS } from './services.js'
import { type SocketOption, socketOption } from './socket-option.js'

const SETTINGS: readonly Column<SettingView>[] = [
  { title: 'SETTING', value: ({ setting }) => setting },
  { title: 'VALUE', value: ({ setting, value }) => formatSetting(setting, value) },
  { title: 'FROM', value: ({ from }) => from },
]

const SUBSETS: readonly Column<ServiceDescription['subsets'][number]>[] = [
  { title: 'SUBSET', value: ({ name }) => name },
  { title: 'LABELS', value: ({ labels }) => formatInline(labels) },
  { title: 'INSTANCES', value: ({ instances }) => String(instances) },
  { title: 'FROM', value: ({ from }) => from },
]

const ACCESS: readonly Column<AccessRuleView>[] = [
  { title: 'ACCESS', value: ({ effect }) => effect },
  { title: 'RULE', value: ({ name }) => name },
  { title: 'CALLERS', value: ({ callers }) => (callers === undefined ? 'any' : formatInline(callers)) },
  { title: 'TO', value: ({ to }) => (to === undefined ? 'any' : formatInline(to)) },
  { title: 'FROM', value: ({ from }) => from },
]

const ROUTES: readonly Column<RouteRuleView>[] = [
  { title: 'ROUTE', value: ({ name }) => name },
  { title: 'PORT', value: ({ port }) => port ?? 'all' },
  { title: 'RULE', value: ({ rule }) => formatInline(withoutColumns(rule)) },
  {
    title: 'TIMEOUT',
    value: ({ timeout }) => (typeof timeout === 'number' ? `${timeout}ms` : (timeout ?? '')),
  },
  { title: 'RETRIES', value: ({ retries }) => String(retries ?? '') },
  { title: 'IN EFFECT', value: ({ inEffect }) => (inEffect ? 'yes' : 'no') },
  { title: 'FROM', value: ({ from }) => from },
]

const PROBLEMS: readonly Column<ProblemView>[] = [
  { title: 'PROBLEM', value: ({ severity }) => severity },
  { title: 'PLACE', value: ({ place }) => place },
  { title: 'MESSAGE', value: ({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`) },
]

/** `mesh describe service`: what is in effect for a service, and which line of which file says so. */
export function describeCommand(program: Command, write: Write): void {
  program
    .command('describe')
    .description('tell what is in effect, and which line of which file says so')
    .command('service <service>')
    .description('settings, access, routes, instances and problems of a service')
    .addOption(outputOption())
    .addOption(socketOption())
    .addHelpText('after', '\nExamples:\n  mesh describe service payments\n  mesh describe service payments -o json')
    .action(async (service: string, { output, socket }: SocketOption & { output: string }) => {
      const path = `/v1/services/${encodeURIComponent(service)}`
      const description = await askControlPlane<ServiceDescription>(socket, 'GET', path)
      if (!printValue(output, description, write)) write(formatDescription(description))
    })
}

/** The description as sentences and tables; instances always with where they come from. */
export function formatDescription(description: ServiceDescription): string {
  const { service, name, settings, subsets, access, routes, unmatched, instances, problems } = description
  const columns = SERVICE_COLUMNS.filter(({ title }) => title !== 'SERVICE')
  const rows = instances.map((instance) => ({ service: description, instance }))
  return [
    `${service} is called as ${name}.\n`,
    formatTable(settings, SETTINGS),
    ...(subsets.length === 0 ? [] : [formatTable(subsets, SUBSETS)]),
    `${access.rules.length === 0 ? '' : formatTable(access.rules, ACCESS)}Access: ${access.otherwise}.\n`,
    `${routes.length === 0 ? '' : formatTable(routes, ROUTES)}${unmatched.length === 0 ? '' : `What no rule matches goes to all instances: ${unmatched.join(', ')}.\n`}`,
    formatTable(rows, columns, true),
    ...(problems.length === 0 ? [] : [formatTable(problems, PROBLEMS)]),
  ].join('\n')
}

/** A rule without what has columns of its own. */
function withoutColumns(rule: unknown): unknown {
  const { name: _, timeout: __, ...rest } = rule as Readonly<Record<string, unknown>>
  return rest
}

function formatSetting(setting: string, value: unknown): string {
  const time = typeof value === 'number' && setting !== 'retry.retries'
  return time ? `${value}ms` : formatInline(value)
}
