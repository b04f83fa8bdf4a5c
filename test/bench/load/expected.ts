/** What a fleet of clients has to end with: versions by layer, type and name, and the layers that each host sees. */
export interface Expected {
  readonly layers: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, string>>>
  readonly hosts: ReadonlyMap<string, readonly string[]>
}

/** One name whose version is another now; empty: it is no more. */
export interface Change {
  readonly layer: string
  readonly type: string
  readonly name: string
  readonly version: string
}

/** Texts as small numbers, so that what thousands of clients hold fits into arrays. 0 is the empty text. */
export class Numbers {
  readonly #numbers = new Map<string, number>([['', 0]])
  readonly #texts = ['']

  of(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#texts.push(text) - 1
    this.#numbers.set(text, number)
    return number
  }

  text(number: number): string {
    return this.#texts[number] ?? ''
  }

  get size(): number {
    return this.#texts.length
  }
}

/** Names and versions of every client of this process. */
export const NAMES = new Numbers()
export const VERSIONS = new Numbers()

/** What one layer has, by type, as numbers. */
export type GoalLayer = Map<string, Map<number, number>>

/** What every client is to hold now. */
export class Goal {
  readonly #layers = new Map<string, GoalLayer>()
  readonly #hosts: Expected['hosts']

  constructor({ layers, hosts }: Expected) {
    this.#hosts = hosts
    for (const [layer, types] of layers) {
      for (const [type, names] of types) for (const [name, version] of names) this.set({ layer, type, name, version })
    }
  }

  set({ layer, type, name, version }: Change): void {
    const types = this.#layers.get(layer) ?? new Map<string, Map<number, number>>()
    const names = types.get(type) ?? new Map<number, number>()
    this.#layers.set(layer, types.set(type, names.set(NAMES.of(name), VERSIONS.of(version))))
  }

  /** The layers of a host, most specific first; they stay the same objects. */
  layersOf(host: string): readonly GoalLayer[] {
    return (this.#hosts.get(host) ?? []).flatMap((layer) => this.#layers.get(layer) ?? [])
  }
}
