import type { PortDescription } from '../../common/admin-api.js'
import { formatPlace } from '../../common/problem.js'
import type { ServicePort } from '../mesh/service-ports.js'
import type { DescribedService, Refusal } from './described.js'
import { formatSome } from './words.js'

/** The ports of a service, with who says their protocols. */
export function describePorts(of: DescribedService): readonly PortDescription[] {
  const { ports, mesh, document, refusals } = of
  const from = document?.value.protocol === undefined ? 'instances' : formatPlace(document.locate(['protocol']))
  return ports.map((port) => {
    const { portName, protocol, carriage, reach } = port
    const { named, outbound } = mesh.ports.get(port.name) ?? {}
    const numbers = named?.numbers ?? port.numbers
    const notes = [
      ...numbers.flatMap((number) => leftOutNote(number, port, of)),
      ...refusalNotes(port, refusals),
      ...(outbound?.rejectEscapedSlashes === true ? [ESCAPED_SLASHES] : []),
    ]
    return { name: portName, port: port.numbers[0] ?? 0, numbers, protocol, from, carriage, reach, notes }
  })
}

const ESCAPED_SLASHES = 'a path with %2F or %5C is answered with 400, because a rule names a path'

/**
 * Where something else of a host has the number, or its Envoy may not listen there, callers of that host do not find the
 * name on it. Hosts that run the service there themselves are as they are meant to be.
 */
function leftOutNote(number: number, { service }: ServicePort, { mesh, catalog }: DescribedService): readonly string[] {
  const runs = (host: string) =>
    catalog.hosts
      .get(host)
      ?.services.some((one) => one.service === service && one.ports.some(({ port }) => port === number)) === true
  const without = [...mesh.hosts.values()].filter(
    ({ name, nameView = '' }) =>
      !runs(name) &&
      mesh.nameViews.get(nameView)?.leftOut.some((one) => one.number === number && one.services.includes(service)) ===
        true,
  )
  if (without.length === 0) return []
  return [`callers on ${formatSome(without.map(({ name }) => name))} do not find it at ${number}`]
}

/** What Envoys refuse of a port: what is told of it does not hold for their hosts. */
function refusalNotes({ name: port }: ServicePort, refusals: readonly Refusal[]): readonly string[] {
  const own = refusals.filter(({ name }) => isOfPort(name, port))
  const whats = [...new Set(own.map(({ type, name }) => `${type} ${name}`))]
  return whats.map((what) => {
    const same = own.filter(({ type, name }) => `${type} ${name}` === what)
    const by = formatSome(same.map(({ host }) => host))
    const further = same.some(({ stopped }) => stopped) ? ', and no further host is given it' : ''
    return `${what} is refused by the Envoys of ${by}, which keep what they had${further}`
  })
}

/** `outbound/payments/main`, `payments/main/v2@web` and `app:payments/main` are all of `payments/main`. */
function isOfPort(resource: string, port: string): boolean {
  const [plain = ''] = resource.replace(':', '/').split('@')
  return `/${plain}/`.includes(`/${port}/`)
}
