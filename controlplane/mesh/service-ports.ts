import type { Protocol } from '../../common/config/fields.js'
import type { Located } from '../../common/config/located.js'
import type { Location } from '../../common/problem.js'
import { type Carriage, carriageOf, speechOf } from '../../common/protocol.js'
import type { Instance, InstancePort } from '../catalog/catalog.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { MOST_NUMBERS, MOST_PORTS, mostSaid } from './port-limits.js'
import { type Problems, parsePlace, problemOf } from './report.js'

/** A named port of a service, whichever instances serve it now. */
export interface ServicePort {
  /** `payments/main` */
  readonly name: string
  readonly service: string
  /** `main` */
  readonly portName: string
  readonly carriage: Carriage
  /** What most of its instances speak. */
  readonly protocol: Protocol
  /** How all its instances are reached. */
  readonly reach: Instance['reach']
  /** The ports of the applications, sorted; more than one where instances differ, at most {@link MOST_NUMBERS}. */
  readonly numbers: readonly number[]
}

/** A named port with the instances that serve it. */
export interface ServedPort extends ServicePort {
  readonly instances: readonly Instance[]
}

/**
 * The ports of one service: those that any of its instances has, each carried in one way, in the order of the first
 * instance's file.
 *
 * Instances outside the mesh do not count beside one inside: otherwise writing a file would be a way to get a service's
 * requests in plain text. An instance whose port cannot be carried as that of the others is left out of that port.
 */
export function portsOfService(
  service: string,
  all: readonly Instance[],
  document: Located<ServiceDocument> | undefined,
  problems: Problems,
): readonly ServedPort[] {
  const sorted = [...all].sort((a, b) => (a.id < b.id ? -1 : 1))
  const instances = withoutOutsiders(service, sorted, problems)
  const said = instances.flatMap((instance) => instance.ports.map(({ name }) => [instance, name] as const))
  const names = mostSaid(said, MOST_PORTS)
  noteTooMany(`${service} has`, 'named ports', said, names, problems)
  return names.map((portName) => portOf(service, portName, instances, document?.value.protocol, problems))
}

function withoutOutsiders(service: string, all: readonly Instance[], problems: Problems): readonly Instance[] {
  const inside = all.filter(({ reach }) => reach === 'mesh')
  if (inside.length === 0) return all
  for (const outsider of all.filter(({ reach }) => reach === 'plain')) {
    problems.push(
      problemOf(placeOf(outsider), {
        code: 'MSH0403',
        message: `${outsider.id} is outside the mesh and gets no requests: ${service} has instances in the mesh`,
        hint: 'give its host an agent, or remove the instance',
      }),
    )
  }
  return inside
}

function portOf(
  service: string,
  portName: string,
  all: readonly Instance[],
  wanted: Protocol | undefined,
  problems: Problems,
): ServedPort {
  const having = all.flatMap((instance) => {
    const port = instance.ports.find(({ name }) => name === portName)
    return port === undefined ? [] : [{ instance, port }]
  })
  const protocol = wanted ?? mostCommonProtocol(having)
  const fitting = having.filter(
    ({ instance, port }) => wanted !== undefined || isLike(port.protocol, protocol, instance),
  )
  for (const { instance, port } of having.filter((one) => !fitting.includes(one))) {
    problems.push(
      problemOf(placeOf(instance), {
        code: 'MSH0404',
        message: `${instance.id} says that port ${portName} of ${service} is ${port.protocol}, others say ${protocol}; it gets no requests there`,
        hint: `write the same protocol in all service files, or protocol: ${protocol} in { kind: service, service: ${service} }`,
      }),
    )
  }
  const said = fitting.map(({ instance, port }) => [instance, port.port] as const)
  const numbers = mostSaid(said, MOST_NUMBERS).toSorted((a, b) => a - b)
  noteTooMany(`instances of ${service} have port ${portName} on`, 'numbers', said, numbers, problems)
  noteDifferentNumbers(service, portName, fitting, problems)
  const instances = fitting.map(({ instance }) => instance)
  const reach = instances[0]?.reach ?? 'mesh'
  const carriage = carriageOf(protocol)
  return { name: `${service}/${portName}`, service, portName, carriage, protocol, reach, numbers, instances }
}

/** In the mesh an instance's own Envoy speaks to its application; outside of it callers speak to all in one way. */
function isLike(own: Protocol, others: Protocol, { reach }: Instance): boolean {
  return reach === 'mesh' ? carriageOf(own) === carriageOf(others) : speechOf(own) === speechOf(others)
}

/**
 * What most of the passing instances speak, or most of all where none passes: one wrong instance that comes up must not
 * take those that serve out. With equal numbers the first by its id counts.
 */
function mostCommonProtocol(having: readonly { readonly instance: Instance; readonly port: InstancePort }[]): Protocol {
  const passing = having.filter(({ instance }) => instance.health === 'passing')
  const protocols = (passing.length > 0 ? passing : having).map(({ port }) => port.protocol)
  const carriage = mostCommon(protocols.map(carriageOf))
  return mostCommon(protocols.filter((protocol) => carriageOf(protocol) === carriage)) ?? 'http'
}

function mostCommon<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}

function noteTooMany<T>(
  who: string,
  what: string,
  said: readonly (readonly [Instance, T])[],
  chosen: readonly T[],
  problems: Problems,
): void {
  const left = said.find(([, value]) => !chosen.includes(value))
  if (left === undefined) return
  const all = new Set(said.map(([, value]) => value)).size
  const message = `${who} ${all} ${what}; callers are given the ${chosen.length} that most hosts have`
  problems.push(problemOf(placeOf(left[0]), { code: 'MSH0413', message }))
}

function noteDifferentNumbers(
  service: string,
  portName: string,
  having: readonly { readonly instance: Instance; readonly port: InstancePort }[],
  problems: Problems,
): void {
  // Instances that share a host cannot have the same number: the first of each host is compared.
  const hosts = new Map(
    having.map(({ instance, port }) => [instance.host ?? instance.id, port.port] as const).reverse(),
  )
  const numbers = [...new Set(hosts.values())].sort((a, b) => a - b)
  const instance = having[0]?.instance
  // Callers of a service outside the mesh reach each instance on its own port; that is nothing to wonder about.
  if (numbers.length < 2 || numbers.length > MOST_NUMBERS || instance === undefined || instance.reach === 'plain')
    return
  problems.push(
    problemOf(placeOf(instance), {
      code: 'MSH0405',
      severity: 'notice',
      message: `instances of ${service} have port ${portName} on ${numbers.join(', ')}; callers by name may use each of them`,
    }),
  )
}

/** Where a person finds the instance. */
export function placeOf({ id, provenance }: Instance): Location {
  const [first] = provenance
  if (first === undefined) return parsePlace(id)
  return first.source === 'agent' ? parsePlace(`${first.host}:${first.place}`) : first.location
}
