import { StreamRefusal } from './refusal.js'

/** How much one stream may ask for. */
export interface StreamLimits {
  /** Names that one stream subscribes to or says it has, all types together. */
  readonly names: number
  /** Characters of a name, a type URL, or a version. */
  readonly nameLength: number
  readonly types: number
  /** Bytes of one response, as long as it carries more than one resource. gRPC's own default limit is 4 MiB. */
  readonly responseBytes: number
  /** Characters that are kept of the reason for which a client refuses a resource. */
  readonly errorLength: number
  /** Bytes of what a client says of itself: an Envoy names all its extensions, less than 100 KiB. */
  readonly nodeBytes: number
}

/** What no honest client comes near to. */
export const STREAM_LIMITS: StreamLimits = {
  names: 100_000,
  nameLength: 1_024,
  types: 64,
  responseBytes: 1 << 20,
  errorLength: 4_096,
  nodeBytes: 1 << 19,
}

/** Fields in one request without its node: each name is one, and each version that a client says it has. */
export const REQUEST_FIELDS = 250_000

/** Fields in what a client says of itself, those of messages inside it included; an Envoy has some thousands. */
export const NODE_FIELDS = 50_000

/**
 * How many streams of one server are given their first answers at once. Whoever comes later waits, in order, until one of
 * them has acknowledged everything, has gone, or has taken {@link FIRST_ANSWERS_MS}.
 */
export const FIRST_ANSWERS = 64

/** How long a slow newcomer keeps others waiting, milliseconds. */
export const FIRST_ANSWERS_MS = 5_000

/** @throws {StreamRefusal} `INVALID_ARGUMENT` when one of the texts is too long. */
export function checkLengths(texts: Iterable<string>, limits: StreamLimits): void {
  for (const text of texts) {
    if (text.length > limits.nameLength) {
      throw new StreamRefusal('INVALID_ARGUMENT', `a name of ${text.length} characters, ${limits.nameLength} allowed`)
    }
  }
}

/** @throws {StreamRefusal} `RESOURCE_EXHAUSTED` when a stream asks for too many names. */
export function checkCount(names: number, limits: StreamLimits): void {
  if (names > limits.names) {
    throw new StreamRefusal('RESOURCE_EXHAUSTED', `${names} names on one stream, ${limits.names} allowed`)
  }
}

/** @throws {StreamRefusal} `INVALID_ARGUMENT` when a client says too much of itself. */
export function checkNode(node: Uint8Array | undefined, limits: StreamLimits = STREAM_LIMITS): void {
  if (node === undefined || node.length <= limits.nodeBytes) return
  throw new StreamRefusal('INVALID_ARGUMENT', `a node of ${node.length} bytes, ${limits.nodeBytes} allowed`)
}
