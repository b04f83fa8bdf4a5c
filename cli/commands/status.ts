import type { Command } from 'commander'
import type { ProblemView, StatusView } from '../../common/admin-api.js'
import { askControlPlane, DEFAULT_SOCKET } from '../admin-client.js'
import { EXIT } from '../exit.js'
import { outputOption, printValue, type Write } from '../output.js'
import { ago, formatSpan } from '../table.js'
import { type SocketOption, socketOption } from './socket-option.js'

/** `mesh status`: whether the mesh is well, worst first; ends with 79 when something is wrong. */
export function statusCommand(program: Command, write: Write): void {
  program
    .command('status')
    .description('tell whether the mesh is well: sources, hosts, certificates, problems')
    .addOption(outputOption())
    .addOption(socketOption())
    .addHelpText('after', '\nEnds with 79 when there are errors.\n\nExamples:\n  mesh status\n  mesh status -o json')
    .action(async ({ output, socket }: SocketOption & { output: string }) => {
      const status = await askControlPlane<StatusView>(socket, 'GET', '/v1/status')
      if (!printValue(output, status, write)) write(formatStatus(status, socket))
      if (status.problems.some(({ severity }) => severity === 'error')) process.exitCode = EXIT.findings
    })
}

function formatStatus(status: StatusView, socket: string): string {
  const { hosts, services, problems, soonestExpiry } = status
  const errors = problems.filter(({ severity }) => severity === 'error')
  const notices = problems.filter(({ severity }) => severity === 'notice')
  const expiry =
    soonestExpiry === undefined
      ? []
      : [
          `soonest certificate expiry: ${soonestExpiry.subject}, in ${formatSpan(Date.parse(soonestExpiry.at) - Date.now())}`,
        ]
  const lines = [
    `control plane ${status.id} of ${status.trustDomain}, version ${status.version}, up ${ago(status.startedAt)}${socket === DEFAULT_SOCKET ? '' : `, at ${socket}`}`,
    ...errors.map(formatProblem),
    `hosts: ${hosts.live} of ${hosts.total} live, ${hosts.synced} synced${hosts.rejected > 0 ? `, ${hosts.rejected} refuse something` : ''}`,
    `services: ${services.healthy} of ${services.total} with a healthy instance${services.unchecked > 0 ? `, ${services.unchecked} that nobody checks` : ''}`,
    ...status.sources.map(formatSource),
    ...expiry,
    ...notices.map(formatProblem),
    errors.length === 0 ? 'no errors' : `${errors.length} ${errors.length === 1 ? 'error' : 'errors'}`,
  ]
  return `${lines.join('\n')}\n`
}

function formatSource({ name, readAt, changedAt, detail }: StatusView['sources'][number]): string {
  const changed = changedAt === undefined ? '' : `, changed ${ago(changedAt)} ago`
  return `source ${name}: ${detail}, read ${ago(readAt)} ago${changed}`
}

function formatProblem({ severity, place, message, hint, code }: ProblemView): string {
  return `${severity}: ${place}: ${message}${hint === undefined ? '' : ` (${hint})`} [${code}]`
}
