/** What a client reads of a delta response, without the resources' messages. */
export interface ResponseReader {
  /** One resource, with its place in the response. */
  resource(name: string, version: string, body: Uint8Array): void
  removed(name: string): void
}

/** Type and nonce of a response. */
export interface ResponseHead {
  readonly type: string
  readonly nonce: string
}

/** Type and nonce of an encoded DeltaDiscoveryResponse, which stand behind its resources. */
export function readHead(bytes: Buffer): ResponseHead {
  let type = ''
  let nonce = ''
  for (let at = 0; at < bytes.length; ) {
    const field = fieldAt(bytes, at)
    if (field.number === 4) type = bytes.toString('latin1', field.start, field.end)
    if (field.number === 5) nonce = bytes.toString('latin1', field.start, field.end)
    at = field.end
  }
  return { type, nonce }
}

/** Where the resources of an encoded DeltaDiscoveryResponse end: type, nonce and removed names stand behind them. */
export function resourcesEnd(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length) {
    const { number, end } = fieldAt(bytes, at)
    if (number !== 2) return at
    at = end
  }
  return at
}

/** Whether a response names anything as removed. @param from where its resources end */
export function namesRemoved(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; ) {
    const { number, end } = fieldAt(bytes, at)
    if (number === 6) return true
    at = end
  }
  return false
}

/** Reads the resources of an encoded DeltaDiscoveryResponse. A library would decode each message for each client. */
export function readResources(bytes: Buffer, reader: ResponseReader): void {
  for (let at = 0; at < bytes.length; ) {
    const { number, start, end } = fieldAt(bytes, at)
    if (number === 2) readResource(bytes, start, end, reader)
    else if (number === 6) reader.removed(bytes.toString('latin1', start, end))
    at = end
  }
}

/** The bytes of the message inside a resource's `Any`. */
export function messageIn(any: Uint8Array): Uint8Array {
  const bytes = Buffer.from(any.buffer, any.byteOffset, any.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const { number, start, end } = fieldAt(bytes, at)
    if (number === 2) return bytes.subarray(start, end)
    at = end
  }
  return bytes.subarray(0, 0)
}

function readResource(bytes: Buffer, from: number, to: number, reader: ResponseReader): void {
  let name = ''
  let version = ''
  let body = bytes.subarray(0, 0)
  for (let at = from; at < to; ) {
    const { number, start, end } = fieldAt(bytes, at)
    if (number === 1) version = bytes.toString('latin1', start, end)
    else if (number === 2) body = bytes.subarray(start, end)
    else if (number === 3) name = bytes.toString('latin1', start, end)
    at = end
  }
  reader.resource(name, version, body)
}

interface Field {
  readonly number: number
  readonly start: number
  readonly end: number
}

/** A length-delimited field; these messages have no others. */
function fieldAt(bytes: Buffer, at: number): Field {
  const tag = bytes[at] ?? 0
  if ((tag & 7) !== 2 || tag > 127) throw new Error(`a field with tag ${tag} in a discovery response`)
  let length = 0
  let shift = 0
  let next = at + 1
  for (;;) {
    const byte = bytes[next++] ?? 0
    length += (byte & 127) * 2 ** shift
    if (byte < 128) break
    shift += 7
  }
  return { number: tag >> 3, start: next, end: next + length }
}
