import type { Command } from 'commander'
import type { InstanceView, ServiceView } from '../../common/admin-api.js'
import { askControlPlane } from '../admin-client.js'
import { outputOption, printRows, type Write } from '../output.js'
import type { Column } from '../table.js'
import { type SocketOption, socketOption } from './socket-option.js'

/** One line of the table: an instance with its service. */
export interface ServiceRow {
  readonly service: ServiceView
  readonly instance: InstanceView
}

/** How an instance is shown in tables. */
export const SERVICE_COLUMNS: readonly Column<ServiceRow>[] = [
  { title: 'SERVICE', value: ({ service }) => service.service },
  {
    title: 'PORTS',
    value: ({ instance }) => instance.ports.map(({ name, port, protocol }) => `${name}:${port}/${protocol}`).join(','),
  },
  { title: 'HOST', value: ({ instance }) => instance.host ?? 'outside the mesh' },
  { title: 'VERSION', value: ({ instance }) => instance.version ?? '' },
  { title: 'HEALTH', value: ({ instance }) => instance.health },
  { title: 'ENDPOINT', value: ({ instance }) => instance.endpoint },
  { title: 'REACH', value: ({ instance }) => instance.reach, wide: true },
  {
    title: 'LABELS',
    value: ({ instance }) =>
      Object.entries(instance.labels)
        .map(([k, v]) => `${k}=${v}`)
        .join(','),
    wide: true,
  },
  { title: 'FROM', value: ({ instance }) => instance.provenance.join('; '), wide: true },
  { title: 'NOTES', value: ({ instance }) => notesOf(instance) },
]

/** `mesh services`: every instance of every service. */
export function servicesCommand(program: Command, write: Write): void {
  program
    .command('services')
    .description('list the services with their instances')
    .addOption(outputOption())
    .addOption(socketOption())
    .addHelpText('after', '\nExamples:\n  mesh services\n  mesh services -o wide\n  mesh services -o json')
    .action(async ({ output, socket }: SocketOption & { output: string }) => {
      const services = await askControlPlane<ServiceView[]>(socket, 'GET', '/v1/services')
      printRows(output, services, serviceRows(services), SERVICE_COLUMNS, write)
    })
}

/** One row for each instance. */
export function serviceRows(services: readonly ServiceView[]): readonly ServiceRow[] {
  return services.flatMap((service) => service.instances.map((instance) => ({ service, instance })))
}

function notesOf({ health, detail, presence }: InstanceView): string {
  const notes = [
    ...(health === 'passing' || detail === '' ? [] : [detail]),
    ...(presence === 'unknown' ? ["its host's session is lost"] : []),
  ]
  return notes.join('; ')
}
