import type { Command } from 'commander'
import type { ServiceDescription } from '../../common/admin-api.js'
import { askControlPlane } from '../admin-client.js'
import { outputOption, printValue, type Write } from '../output.js'
import { clean, formatTable } from '../table.js'
import { ABSENT, ACCESS, INSTANCES, PORTS, PROBLEMS, ROUTES, SETTINGS, SUBSETS } from './describe-columns.js'
import { type SocketOption, socketOption } from './socket-option.js'

/** `mesh describe service`: what is in effect for a service, and which line of which file says so. */
export function describeCommand(program: Command, write: Write): void {
  program
    .command('describe')
    .description('tell what is in effect, and which line of which file says so')
    .command('service <service>')
    .description('ports, settings, access, routes, instances and problems of a service')
    .addOption(outputOption())
    .addOption(socketOption())
    .addHelpText('after', '\nExamples:\n  mesh describe service payments\n  mesh describe service payments -o json')
    .action(async (service: string, { output, socket }: SocketOption & { output: string }) => {
      const path = `/v1/services/${encodeURIComponent(service)}`
      const description = await askControlPlane<ServiceDescription>(socket, 'GET', path)
      if (!printValue(output, description, write)) write(formatDescription(description))
    })
}

/** The description as sentences and tables; what there is none of is left out, except instances and problems. */
export function formatDescription(description: ServiceDescription): string {
  const { service, name, ports, settings, subsets, access, routes, unmatched, absent, problems } = description
  const rules = access.rules.length === 0 ? '' : formatTable(access.rules, ACCESS)
  const instances = description.instances.map((instance) => ({ service: description, instance }))
  return [
    `${clean(`${service} is called as ${name}.`)}\n`,
    ...(ports.length === 0 ? [] : [formatTable(ports, PORTS)]),
    formatTable(settings, SETTINGS),
    ...(subsets.length === 0 ? [] : [formatTable(subsets, SUBSETS)]),
    `${rules}${clean(`Access: ${access.otherwise}.`)}\n`,
    ...(routes.length + unmatched.length === 0 ? [] : [formatTable([...routes, ...unmatched], ROUTES)]),
    instances.length === 0 ? 'No instance is known.\n' : formatTable(instances, INSTANCES, true),
    ...(absent.length === 0 ? [] : [formatTable(absent, ABSENT)]),
    problems.length === 0 ? 'No problem is known.\n' : formatTable(problems, PROBLEMS),
  ].join('\n')
}
