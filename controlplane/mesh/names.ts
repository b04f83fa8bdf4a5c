import { createHash } from 'node:crypto'
import { addressIn } from '../../common/virtual-address.js'
import type { CatalogHost, HostNames } from '../catalog/catalog.js'
import { isAtLeast } from './envoy-version.js'
import type { NamedPort, NameView } from './mesh.js'
import type { Offsets } from './virtual-address.js'

/** The port on which every service with an http port listens beside its own: `http://payments.mesh/`. */
export const HTTP_PORT = 80

/** Names as they look on the hosts: one view for all hosts that would see the same. */
export function nameViews(
  hosts: readonly CatalogHost[],
  ports: readonly NamedPort[],
  offsets: Offsets,
): ReadonlyMap<string, NameView> {
  const views = new Map<string, NameView>()
  const numbers = numbersOfNames(ports)
  for (const host of hosts) {
    const key = viewKey(host, numbers)
    if (host.names === undefined || key === undefined || views.has(key)) continue
    views.set(key, viewOf(key, host.names, answersAnyCase(host), ports, offsets))
  }
  return new Map([...views].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** All numbers on which any service is found by its name. */
export function numbersOfNames(ports: readonly NamedPort[]): ReadonlySet<number> {
  return new Set(ports.flatMap(({ numbers }) => numbers))
}

/**
 * What decides how names look: range, DNS address, what Envoy can, and those of the occupied ports that a name would
 * use. A host has many others open, which no two hosts have in common. Undefined where names are off.
 *
 * @param numbers on which any service is found
 */
export function viewKey(host: CatalogHost, numbers: ReadonlySet<number>): string | undefined {
  if (host.names === undefined) return undefined
  const { range, dns, redirectPort } = host.names
  const inTheWay = inTheWayOfNames(host.names).filter((port) => numbers.has(port))
  const occupied = createHash('sha256').update(inTheWay.join()).digest('hex').slice(0, 32)
  return `${range},${dns.address}:${dns.port}${answersAnyCase(host) ? '' : ',as-written'},${redirectPort ?? occupied}`
}

/** Ports that names cannot use on a host. Where connections are redirected, no port is bound, so none is in the way. */
function inTheWayOfNames({ occupiedPorts, redirectPort }: HostNames): readonly number[] {
  return redirectPort === undefined ? occupiedPorts : []
}

/** The first Envoy that finds `PAYMENTS.mesh`; those before it compare bytes, and refuse the field. */
function answersAnyCase({ envoyVersion }: CatalogHost): boolean {
  return isAtLeast(envoyVersion, { major: 1, minor: 40 })
}

function viewOf(
  key: string,
  names: HostNames,
  anyCase: boolean,
  ports: readonly NamedPort[],
  offsets: Offsets,
): NameView {
  const occupied = new Set(inTheWayOfNames(names))
  const services = [...new Set(ports.map(({ service }) => service))].sort()
  const addresses = services.flatMap((service) => {
    const offset = offsets.services[service]?.offset
    return offset === undefined ? [] : [{ service, address: addressIn(names.range, offset) }]
  })
  const addressOf = new Map(addresses.map(({ service, address }) => [service, address]))
  const used = new Set<string>()
  const listeners = ports.flatMap((port) => {
    const address = addressOf.get(port.service)
    if (address === undefined) return []
    const free = port.numbers.filter((number) => !occupied.has(number) && !used.has(`${address}:${number}`))
    for (const number of free) used.add(`${address}:${number}`)
    return free.map((number) => ({ port: port.name, address: { address, port: number } }))
  })
  const { dns, redirectPort } = names
  const redirected = redirectPort === undefined ? {} : { redirectedTo: { address: '127.0.0.1', port: redirectPort } }
  return { key, dns, anyCase, ...redirected, addresses, listeners, leftOut: leftOut(ports, occupied) }
}

function leftOut(ports: readonly NamedPort[], occupied: ReadonlySet<number>): NameView['leftOut'] {
  const services = new Map<number, Set<string>>()
  for (const { service, numbers } of ports) {
    for (const number of numbers.filter((one) => occupied.has(one))) {
      services.set(number, (services.get(number) ?? new Set()).add(service))
    }
  }
  return [...services]
    .map(([number, names]) => ({ number, services: [...names].sort() }))
    .sort((a, b) => a.number - b.number)
}
