import { createHash } from 'node:crypto'
import type { MemoTable } from '../../common/memo/memo.js'
import type { Steps } from '../../common/memo/steps.js'
import { addressIn } from '../../common/virtual-address.js'
import type { CatalogHost, HostNames } from '../catalog/catalog.js'
import { isAtLeast } from './envoy-version.js'
import type { NamedPort, NameView } from './mesh.js'
import type { Offsets } from './virtual-address.js'

/** The port on which every service with an http port listens beside its own: `http://payments.mesh/`. */
export const HTTP_PORT = 80

/** All of a named port that names on hosts depend on. */
export type NumberedPort = Pick<NamedPort, 'name' | 'service' | 'numbers'>

/** A host that sees names, as far as its view depends on it. */
export interface Viewer {
  readonly key: string
  readonly names: HostNames
  readonly anyCase: boolean
}

/** What decides how a host sees names. @param key as {@link viewKey} says; absent: names are off */
export function viewerOf({ names, envoyVersion }: CatalogHost, key: string | undefined): Viewer | undefined {
  return key === undefined || names === undefined ? undefined : { key, names, anyCase: answersAnyCase(envoyVersion) }
}

/** Names as they look on the hosts: one view for all hosts that would see the same. Sorted by key. */
export function* nameViews(
  viewers: readonly Viewer[],
  ports: readonly NumberedPort[],
  offsets: Offsets,
  memo: MemoTable<NameView>,
): Steps<ReadonlyMap<string, NameView>> {
  const firsts = new Map<string, Viewer>()
  for (const viewer of viewers) {
    if (!firsts.has(viewer.key)) firsts.set(viewer.key, viewer)
  }
  const sorted = [...firsts.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  const views = yield* memo.each(sorted, {
    key: ({ key }) => key,
    inputs: () => [ports, offsets],
    make: (viewer) => viewOf(viewer, ports, offsets),
  })
  return new Map(views.map((view) => [view.key, view]))
}

/** All numbers on which any service is found by its name. */
export function numbersOfNames(ports: readonly NumberedPort[]): ReadonlySet<number> {
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
  const mode = redirectPort ?? digest(inTheWayOfNames(host.names).filter((port) => numbers.has(port)))
  return `${range},${dns.address}:${dns.port}${answersAnyCase(host.envoyVersion) ? '' : ',as-written'},${mode}`
}

function digest(ports: readonly number[]): string {
  return createHash('sha256').update(ports.join()).digest('hex').slice(0, 32)
}

/** Whether the numbers of all services make a difference to its view. */
export function dependsOnNumbers({ names }: CatalogHost): boolean {
  return names !== undefined && names.redirectPort === undefined
}

/** Ports that names cannot use on a host. Where connections are redirected, no port is bound, so none is in the way. */
function inTheWayOfNames({ occupiedPorts, redirectPort }: HostNames): readonly number[] {
  return redirectPort === undefined ? occupiedPorts : []
}

/** The first Envoy that finds `PAYMENTS.mesh`; those before it compare bytes, and refuse the field. */
function answersAnyCase(envoyVersion: CatalogHost['envoyVersion']): boolean {
  return isAtLeast(envoyVersion, { major: 1, minor: 40 })
}

function viewOf({ key, names, anyCase }: Viewer, ports: readonly NumberedPort[], offsets: Offsets): NameView {
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

function leftOut(ports: readonly NumberedPort[], occupied: ReadonlySet<number>): NameView['leftOut'] {
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
