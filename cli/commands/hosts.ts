import type { Command } from 'commander'
import type { HostChanged, HostView } from '../../common/admin-api.js'
import { QUESTIONS } from '../../common/questions.js'
import { askControlPlane } from '../admin-client.js'
import { outputOption, printRows, printValue, type Write } from '../output.js'
import { ago, type Column, formatSpan } from '../table.js'
import { showEnvoy } from './host-envoy.js'
import { type SocketOption, socketOption } from './socket-option.js'

/** How a host is shown in tables. */
export const HOST_COLUMNS: readonly Column<HostView>[] = [
  { title: 'HOST', value: ({ host }) => host },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'AGO', value: ({ since }) => ago(since) },
  { title: 'SYNC', value: ({ sync }) => sync ?? '' },
  { title: 'ENVOY', value: ({ envoy }) => (envoy === undefined ? '' : `${envoy.version} ${envoy.state}`) },
  { title: 'CERTIFICATE', value: ({ certificateExpiry }) => until(certificateExpiry) },
  { title: 'ADDRESS', value: ({ address }) => address ?? '', wide: true },
  { title: 'AGENT', value: ({ agentVersion }) => agentVersion ?? '', wide: true },
  { title: 'SERVICES', value: ({ services }) => services.join(',') },
  { title: 'NOTES', value: ({ notes, refused }) => [...refused.map(formatRefusal), ...notes].join('; ') },
]

/** `mesh hosts`: every host with its state. */
export function hostsCommand(program: Command, write: Write): void {
  program
    .command('hosts')
    .alias('ps')
    .description('list the hosts: sessions, sync state, certificates')
    .addOption(outputOption())
    .addOption(socketOption())
    .addHelpText(
      'after',
      '\nExamples:\n  mesh hosts\n  mesh hosts -o wide\n  mesh hosts -o json | jq ".[] | select(.sync != \\"SYNCED\\")"',
    )
    .action(async ({ output, socket }: SocketOption & { output: string }) => {
      const hosts = await askControlPlane<HostView[]>(socket, 'GET', '/v1/hosts')
      printRows(output, hosts, hosts, HOST_COLUMNS, write)
    })
}

const ACTIONS = ['ban', 'evict', 'admit'] as const
const DONE = { ban: 'banned', evict: 'evicted', admit: 'admitted' } as const

const STAY_VALID =
  'its certificates stay valid for other hosts until they expire: calls with them, open and new, go on until then\n'

/** `mesh host H ban|evict|admit`: takes a host out, or lets it in again; `mesh host H dump` and others show its Envoy. */
export function hostCommand(program: Command, write: Write): void {
  program
    .command('host')
    .description('act on one host, or show what its live Envoy says')
    .argument('<host>', 'its name')
    .argument(
      '<action>',
      'ban: end its connections and refuse it; evict: forget it, so that it may join again; admit: lift a ban, or let a host in that was evicted here and joined at another control plane since (to join here with a new token it needs no admit); dump, clusters, listeners, routes, endpoints, secrets, stats: what its Envoy says now',
    )
    .option('--reason <text>', 'why, for the audit log')
    .option('--force', 'ban or evict also a name that is no host here, as before it joins')
    .addOption(outputOption())
    .addOption(socketOption())
    .addHelpText(
      'after',
      '\nWith several control planes, ban and evict a host on each of them: they do not tell one another.\n\nExamples:\n  mesh host web-1 ban --reason "disk was stolen"\n  mesh host web-1 evict\n  mesh host web-1 admit\n  mesh host web-1 clusters\n  mesh host web-1 dump > web-1.json',
    )
    .action(async (host: string, action: string, options: HostOptions, command: Command) => {
      const { socket, reason = '', force = false } = options
      const about = QUESTIONS.find((one) => one === action)
      if (about !== undefined) return await showEnvoy(host, about, options, write)
      if (!isAction(action))
        command.error(`error: unknown action ${action}; write ${[...ACTIONS, ...QUESTIONS].join(', ')}`)
      const path = `/v1/hosts/${encodeURIComponent(host)}/${action}`
      const changed = await askControlPlane<HostChanged>(socket, 'POST', path, { reason, force })
      if (printValue(options.output, changed, write)) return
      const { disconnected, known } = changed
      const connections = disconnected === 1 ? '1 connection' : `${disconnected} connections`
      write(`${host}: ${DONE[action]}${action === 'admit' ? '' : `, ${connections} ended`}\n`)
      if (!known) write(`this control plane had no record of ${host}; "mesh hosts" lists those that it knows\n`)
      if (action !== 'admit') write(STAY_VALID)
    })
}

interface HostOptions extends SocketOption {
  readonly reason?: string
  readonly force?: boolean
  readonly output: string
}

function isAction(text: string): text is (typeof ACTIONS)[number] {
  return (ACTIONS as readonly string[]).includes(text)
}

function until(time: string | undefined): string {
  if (time === undefined) return ''
  const left = Date.parse(time) - Date.now()
  return left > 0 ? `${formatSpan(left)} left` : 'EXPIRED'
}

function formatRefusal({ type, name, error, documents }: HostView['refused'][number]): string {
  const where = documents.length === 0 ? '' : ` (${documents.join(', ')})`
  return `Envoy refuses ${type} ${name}${where}: ${error}`
}
