import { join } from 'node:path'
import { z } from 'zod'
import { readIfPresent, writeFileAtomically } from '../common/files.js'
import type { Log } from '../common/log.js'
import { instanceKey, type ServiceFile } from './service-file.js'

/** Stands for the host's main inbound port, whatever its number. */
export const MAIN_PORT = 0

/** A service of this host with its place at the host's inbound side. */
export interface PlacedService extends ServiceFile {
  /** Where other hosts reach it: a port of its own, or {@link MAIN_PORT}. */
  readonly inboundPort: number
}

/** The inbound port of each instance that this host has or had, by `payments:9090`. */
export type InboundPorts = Readonly<Record<string, number>>

/** Ports for instances beside the first of a service, and one among them that is taken already. */
export interface PortRange {
  readonly first: number
  readonly last: number
  readonly taken: number
}

/**
 * Gives every instance its inbound port. The server name in TLS tells services apart and not the instances of one: so
 * the first of a service is at the main port, and each further one at a port of its own. An instance keeps its port for
 * as long as its host remembers it, also while it is gone; only when all ports are given away those of the gone ones are
 * given anew.
 *
 * @returns the same object for `ports` when nothing changed, and the services for which no port is left
 */
export function placeServices(
  before: InboundPorts,
  services: readonly ServiceFile[],
  range: PortRange,
): {
  readonly ports: InboundPorts
  readonly placed: readonly PlacedService[]
  readonly unplaced: readonly ServiceFile[]
} {
  const present = new Set(services.map(instanceKey))
  const ports = new Map(Object.entries(before))
  const atMain = new Set<string>()
  const placed: PlacedService[] = []
  const unplaced: ServiceFile[] = []
  // Who has a port already keeps it, wherever its file stands.
  const known = [...services].sort((a, b) => Number(ports.has(instanceKey(b))) - Number(ports.has(instanceKey(a))))
  for (const service of known) {
    const inboundPort = choosePort(service, ports, present, atMain, range)
    if (inboundPort === undefined) {
      unplaced.push(service)
      continue
    }
    if (inboundPort === MAIN_PORT) atMain.add(service.service)
    ports.set(instanceKey(service), inboundPort)
    placed.push({ ...service, inboundPort })
  }
  const changed = [...ports].some(([key, port]) => before[key] !== port) || ports.size !== Object.keys(before).length
  return {
    ports: changed ? Object.fromEntries(ports) : before,
    placed: placed.sort((a, b) => services.findIndex(isSame(a)) - services.findIndex(isSame(b))),
    unplaced,
  }
}

function choosePort(
  service: ServiceFile,
  ports: Map<string, number>,
  present: ReadonlySet<string>,
  atMain: ReadonlySet<string>,
  { first, last, taken }: PortRange,
): number | undefined {
  const own = ports.get(instanceKey(service))
  if (own !== undefined && (own === MAIN_PORT ? !atMain.has(service.service) : own >= first && own <= last)) return own
  if (own === undefined && !atMain.has(service.service)) return MAIN_PORT
  const used = new Map([...ports].map(([key, port]) => [port, key]))
  const candidates = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
    (one) => one !== taken,
  )
  const free = candidates.find((port) => !used.has(port))
  if (free !== undefined) return free
  const given = candidates.find((port) => !present.has(used.get(port) ?? ''))
  if (given !== undefined) ports.delete(used.get(given) ?? '')
  return given
}

function isSame(service: ServiceFile): (other: ServiceFile) => boolean {
  return (other) => instanceKey(other) === instanceKey(service)
}

const stored = z.strictObject({ version: z.literal(1), ports: z.record(z.string(), z.int().min(0).max(65_535)) })

/** Keeps inbound ports in the state directory, so that a restart gives every instance the port that callers know. */
export class InboundPortStore {
  readonly #path: string
  readonly #log: Log

  constructor(stateDirectory: string, log: Log) {
    this.#path = join(stateDirectory, 'inbound-ports.json')
    this.#log = log
  }

  /** What was kept. A damaged file is reported and counts as nothing: ports may then change. */
  async read(): Promise<InboundPorts> {
    try {
      const text = await readIfPresent(this.#path)
      return text === undefined ? {} : stored.parse(JSON.parse(text)).ports
    } catch (error) {
      this.#log.warn('inbound ports cannot be read back; they may change', { path: this.#path, error })
      return {}
    }
  }

  /** A disk that refuses is reported; the ports stay in effect until a restart. */
  async write(ports: InboundPorts): Promise<void> {
    try {
      await writeFileAtomically(this.#path, `${JSON.stringify({ version: 1, ports }, null, 2)}\n`)
    } catch (error) {
      this.#log.error('inbound ports cannot be kept; they may change with a restart', { path: this.#path, error })
    }
  }
}
