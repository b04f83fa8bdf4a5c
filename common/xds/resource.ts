/**
 * One xDS resource as the engine sees it: it knows no meshes, only type, name, version and bytes.
 *
 * The same object is shared by every client that may see it; nothing of it is ever changed.
 */
export interface Resource {
  /** Type URL, `type.googleapis.com/envoy.config.cluster.v3.Cluster`. */
  readonly type: string
  readonly name: string
  /** Hash of the bytes: equal bytes have equal versions, over restarts and replicas. */
  readonly version: string
  /** The protobuf message itself, encoded: what goes into `Any.value`. */
  readonly bytes: Uint8Array
}

/** Resources by type URL, then by name. Replaced, never changed; an unchanged inner map is the same object as before. */
export type ResourceSet = ReadonlyMap<string, ReadonlyMap<string, Resource>>

/**
 * All that an xDS server serves at one moment, replaced as a whole.
 *
 * Resources lie in named layers, so that what many clients share is held, and compared with its successor, once. A
 * layer that did not change is the same object as in the publication before.
 */
export interface Publication {
  readonly layers: ReadonlyMap<string, ResourceSet>
  /**
   * The layers that a client sees, most specific first: the first layer that has a name wins. A client that is not
   * listed is not known yet: its requests wait, and are answered when a publication lists it. One that is no longer
   * listed keeps what it has; whoever shall not even keep its stream is to be cut off by `XdsServer.end`.
   */
  readonly clients: ReadonlyMap<string, readonly string[]>
  /** When the oldest change that it brings was noticed, monotonic milliseconds; absent: when it was published. */
  readonly changedAt?: number
}

/** What serves nothing and knows nobody. */
export const EMPTY_PUBLICATION: Publication = { layers: new Map(), clients: new Map() }
