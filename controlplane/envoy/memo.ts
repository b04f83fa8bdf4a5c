import { hash } from 'node:crypto'
import { type Inputs, Memo, MemoTable, sameInputs } from '../../common/memo/memo.js'
import type { Steps } from '../../common/memo/steps.js'
import type { Publication, Resource, ResourceSet } from '../../common/xds/resource.js'
import type { Inside } from './inside.js'
import type { JoinedLayer, Layer } from './layer.js'

/** One resource that is wanted: what it is made from, and how. */
export interface Recipe {
  readonly type: string
  readonly name: string
  /** Keeps resources of like names but other content apart, if they are made from one value; absent: there is one. */
  readonly scope?: string
  /** The value of the mesh that it is made from. */
  readonly from: object
  /** What else `build` reads; absent: nothing. */
  readonly with?: Inputs
  /** Makes the message, encoded. */
  readonly build: () => Uint8Array
}

interface Made {
  readonly inputs: Inputs
  readonly resource: Resource
}

const NOTHING_ELSE: Inputs = []

/** What is left of a layer that is put together from parts. */
export class LayerMemo {
  readonly parts = new MemoTable<readonly Resource[]>()
  readonly layer = new Memo<JoinedLayer>()
}

/**
 * What one translation of the mesh leaves for the next. Resources are remembered with the values that they were made from,
 * so that each is made once, on however many hosts and in however many layers it is wanted. Values are compared by
 * identity, as the mesh shares what did not change; what was made from one is forgotten with it.
 */
export class ResourceMemo {
  readonly shared = new LayerMemo()
  readonly grpc = new LayerMemo()
  readonly names = new MemoTable<Layer>()
  readonly targets = new Memo<ReadonlyMap<string, readonly string[]>>()
  readonly identities = new MemoTable<Layer>()
  readonly insides = new MemoTable<Inside>()
  readonly insidesByName = new Memo<ReadonlyMap<string, Inside>>()
  readonly hosts = new MemoTable<Layer>()
  readonly hostLayers = new Memo<readonly Layer[]>()
  readonly hostsByName = new Memo<ReadonlyMap<string, ResourceSet>>()
  readonly layers = new Memo<Publication['layers']>()
  readonly clients = new Memo<Publication['clients']>()
  readonly #remembered = new WeakMap<object, Map<string, Made>>()
  #made = 0;

  /** The resources of these recipes, in their order. A step for each that is made. */
  *resources(recipes: readonly Recipe[]): Steps<readonly Resource[]> {
    const resources: Resource[] = []
    for (const recipe of recipes) {
      const before = this.#made
      resources.push(this.#resource(recipe))
      if (this.#made > before) yield
    }
    return resources
  }

  /** How many resources have been made so far. */
  get made(): number {
    return this.#made
  }

  #resource({ type, name, scope = '', from, with: inputs = NOTHING_ELSE, build }: Recipe): Resource {
    const made = this.#remembered.get(from) ?? new Map<string, Made>()
    const key = `${type}\n${name}\n${scope}`
    const known = made.get(key)
    if (known !== undefined && sameInputs(known.inputs, inputs)) return known.resource
    this.#made++
    const bytes = build()
    const resource = { type, name, version: hash('sha256', bytes).slice(0, 20), bytes }
    this.#remembered.set(from, made.set(key, { inputs, resource }))
    return resource
  }
}
