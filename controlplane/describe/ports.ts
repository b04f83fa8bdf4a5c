import type { PortDescription } from '../../common/admin-api.js'
import { formatPlace } from '../../common/problem.js'
import type { Mesh } from '../mesh/mesh.js'
import type { ServicePort } from '../mesh/service-ports.js'
import type { DescribedService } from './described.js'
import { formatSome } from './words.js'

/** The ports of a service, with who says their protocols. */
export function describePorts({ ports, mesh, document }: DescribedService): readonly PortDescription[] {
  const from = document?.value.protocol === undefined ? 'instances' : formatPlace(document.locate(['protocol']))
  return ports.map((port) => {
    const { portName, protocol, carriage, reach } = port
    const numbers = mesh.ports.get(port.name)?.named.numbers ?? port.numbers
    const notes = numbers.flatMap((number) => leftOutNote(number, port, mesh))
    return { name: portName, port: port.numbers[0] ?? 0, numbers, protocol, from, carriage, reach, notes }
  })
}

/** Where something else of a host has the number, callers of that host do not find the name there. */
function leftOutNote(number: number, { service }: ServicePort, { hosts, nameViews }: Mesh): readonly string[] {
  const without = [...hosts.values()].filter(({ nameView = '' }) =>
    nameViews.get(nameView)?.leftOut.some((one) => one.number === number && one.services.includes(service)),
  )
  if (without.length === 0) return []
  return [`${number} is not found on ${formatSome(without.map(({ name }) => name))}`]
}
