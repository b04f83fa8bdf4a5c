import type { Duplex } from 'node:stream'

/** What a connection tells whoever opened it. */
export interface Http2Events {
  /** One gRPC message has arrived on a stream; its bytes are valid until the call returns. */
  message(stream: number, bytes: Buffer): void
  /** The connection or one of its streams has ended; at most once. */
  ended(reason: string): void
}

/** A message of which not all has arrived: those of megabytes come in hundreds of frames. */
interface Begun {
  readonly parts: Buffer[]
  length: number
  /** How many bytes there have to be before there is more to know. */
  readonly needed: number
}

/**
 * The little of HTTP/2 that a gRPC client of a benchmark needs, so that thousands of them fit on one core: a full
 * library costs more for a push and its ACK than the server that is measured. Headers of the server are not decoded.
 *
 * @see RFC 9113, and https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class Http2Connection {
  readonly #socket: Duplex
  readonly #events: Http2Events
  readonly #messages = new Map<number, Begun>()
  /** By stream: bytes that wait until the server lets them in. */
  readonly #waiting = new Map<number, Buffer>()
  readonly #windows = new Map<number, number>()
  #rest: Buffer = EMPTY
  #window = DEFAULT_WINDOW
  #initialWindow = DEFAULT_WINDOW
  #received = 0
  #ended = false

  /** @param socket connected, bare or with TLS */
  constructor(socket: Duplex, events: Http2Events) {
    this.#socket = socket
    this.#events = events
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', (error) => this.#end(error.message))
    socket.on('close', () => this.#end('the connection was closed'))
    socket.write(
      Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, ALL_WINDOW), frame(WINDOW_UPDATE, 0, 0, uint32(TOP_UP))]),
    )
  }

  /** Opens the stream of a gRPC call. @param id odd, higher than those before it on this connection */
  open(id: number, path: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#windows.set(id, this.#initialWindow)
    this.#socket.write(frame(HEADERS, END_HEADERS, id, requestHeaders(path, headers)))
  }

  /** Sends one gRPC message, as soon as the server's window has room for it. */
  send(stream: number, message: Uint8Array): void {
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    this.#queue(stream, Buffer.concat([prefix, message]))
  }

  /**
   * Sends a whole frame that was made before with {@link messageFrame}, without waiting for room: it must be small. Behind
   * a message of which a part still waits, it waits too.
   */
  sendFrame(stream: number, bytes: Buffer): void {
    if (this.#waiting.has(stream)) {
      this.#queue(stream, bytes.subarray(FRAME_HEAD))
      return
    }
    this.#spend(stream, bytes.length - FRAME_HEAD)
    this.#socket.write(bytes)
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause()
  }

  /** Ends the connection without a farewell. */
  close(): void {
    this.#ended = true
    this.#socket.destroy()
  }

  #queue(stream: number, bytes: Buffer): void {
    const waiting = this.#waiting.get(stream)
    this.#waiting.set(stream, waiting === undefined ? bytes : Buffer.concat([waiting, bytes]))
    this.#flush(stream)
  }

  #flush(stream: number): void {
    let waiting = this.#waiting.get(stream)
    while (waiting !== undefined) {
      const room = Math.min(this.#window, this.#windows.get(stream) ?? 0, MAX_FRAME)
      if (room <= 0) break
      const part: Buffer = waiting.subarray(0, room)
      this.#spend(stream, part.length)
      this.#socket.write(frame(DATA, 0, stream, part))
      waiting = part.length === waiting.length ? undefined : waiting.subarray(room)
    }
    if (waiting === undefined) this.#waiting.delete(stream)
    else this.#waiting.set(stream, waiting)
  }

  #spend(stream: number, bytes: number): void {
    this.#window -= bytes
    this.#windows.set(stream, (this.#windows.get(stream) ?? 0) - bytes)
  }

  #read(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    while (rest.length >= FRAME_HEAD) {
      const end = FRAME_HEAD + rest.readUIntBE(0, 3)
      if (rest.length < end) break
      this.#frame(rest[3] ?? 0, rest[4] ?? 0, rest.readUInt32BE(5) & MAX_WINDOW, rest.subarray(FRAME_HEAD, end))
      rest = rest.subarray(end)
    }
    this.#rest = rest.length === 0 ? EMPTY : rest
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === DATA) this.#data(stream, payload)
    else if (type === WINDOW_UPDATE) this.#grow(stream, payload.readUInt32BE(0))
    else if (type === SETTINGS && (flags & ACK) === 0) this.#settings(payload)
    else if (type === PING && (flags & ACK) === 0) this.#socket.write(frame(PING, ACK, 0, payload))
    else if (type === GOAWAY) this.#end(`the server sent GOAWAY ${payload.subarray(8).toString()}`)
    else if (type === RST_STREAM) this.#end(`the server reset stream ${stream} with ${payload.readUInt32BE(0)}`)
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0)
      this.#end(`the server ended stream ${stream}`)
  }

  #data(stream: number, payload: Buffer): void {
    this.#received += payload.length
    if (this.#received > TOP_UP / 2) this.#topUp(stream)
    const begun = this.#messages.get(stream)
    if (begun !== undefined && begun.length + payload.length < begun.needed) {
      begun.parts.push(payload)
      begun.length += payload.length
      return
    }
    let rest = begun === undefined ? payload : Buffer.concat([...begun.parts, payload])
    while (rest.length >= 5) {
      const end = 5 + rest.readUInt32BE(1)
      if (rest.length < end) break
      this.#events.message(stream, rest.subarray(5, end))
      rest = rest.subarray(end)
    }
    if (rest.length > 0) {
      const needed = rest.length < 5 ? 5 : 5 + rest.readUInt32BE(1)
      this.#messages.set(stream, { parts: [rest], length: rest.length, needed })
    } else if (begun !== undefined) this.#messages.delete(stream)
  }

  #topUp(stream: number): void {
    for (const id of [0, stream]) this.#socket.write(frame(WINDOW_UPDATE, 0, id, uint32(this.#received)))
    this.#received = 0
  }

  #grow(stream: number, by: number): void {
    if (stream === 0) this.#window += by
    else this.#windows.set(stream, (this.#windows.get(stream) ?? 0) + by)
    for (const waiting of this.#waiting.keys()) this.#flush(waiting)
  }

  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== INITIAL_WINDOW_SIZE) continue
      const window = payload.readUInt32BE(at + 2)
      for (const [id, left] of this.#windows) this.#windows.set(id, left + window - this.#initialWindow)
      this.#initialWindow = window
    }
    this.#socket.write(frame(SETTINGS, ACK, 0, EMPTY))
    for (const waiting of this.#waiting.keys()) this.#flush(waiting)
  }

  #end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#socket.destroy()
    this.#events.ended(reason)
  }
}

/** One gRPC message as a whole frame of a stream. */
export function messageFrame(stream: number, message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return frame(DATA, 0, stream, Buffer.concat([prefix, message]))
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEAD)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK without a dynamic table: names of the static table by number, values as they are. @see RFC 7541 */
function requestHeaders(path: string, headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')])
  const others = { te: 'trailers', ...headers }
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text('bench'),
    Buffer.from([0x0f, 0x10]),
    text('application/grpc'),
    ...Object.entries(others).flatMap(([name, value]) => [Buffer.from([0x00]), text(name), text(value)]),
  ])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const EMPTY = Buffer.alloc(0)
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const FRAME_HEAD = 9
const MAX_FRAME = 16_384
const MAX_WINDOW = 0x7fffffff
const DEFAULT_WINDOW = 65_535
/** What is added to the window of a connection at its start. */
const TOP_UP = MAX_WINDOW - DEFAULT_WINDOW

const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const PING = 6
const GOAWAY = 7
const WINDOW_UPDATE = 8

const END_STREAM = 1
const ACK = 1
const END_HEADERS = 4

const INITIAL_WINDOW_SIZE = 4
/** Setting 4 (the window of each stream) as large as it can be: what is measured is not the client's window. */
const ALL_WINDOW = Buffer.from([0, INITIAL_WINDOW_SIZE, 0x7f, 0xff, 0xff, 0xff])
