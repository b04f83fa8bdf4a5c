import type { Socket } from 'node:net'

/** Types of frames. @see RFC 9113, section 6 */
export const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION] = [0, 1, 3, 4, 6, 7, 9] as const

/** The flag of a HEADERS frame that no CONTINUATION follows. */
export const END_HEADERS = 4

/** What each HTTP/2 connection begins with, and an empty SETTINGS frame. */
export const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)])

/** One HTTP/2 frame. @see RFC 9113, section 4.1 */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header block with these fields, each a literal that is not indexed. @see RFC 7541, section 6.2.2 */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([prefixed(value.length, 7, 0), Buffer.from(value)])
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))
}

/** The head of a gRPC call of a method. */
export function callHead(path: string): Buffer {
  const fixed = { ':method': 'POST', ':scheme': 'http', ':authority': 'x' }
  return headerBlock({ ...fixed, ':path': path, 'content-type': 'application/grpc', te: 'trailers' })
}

/** Writes as fast as the other side takes it, until it has all or the connection is closed. */
export async function pour(socket: Socket, chunks: Iterable<Buffer>): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed) return
    if (!socket.write(chunk)) await drained(socket)
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}

/** Waits until the other side has closed the connection, or has said on it that it takes no more (GOAWAY). */
export async function refused(socket: Socket, signal: AbortSignal): Promise<void> {
  await Promise.race([framesOf(socket, (frame) => frame.readUInt8(3) === GOAWAY, 1), closed(socket, signal)])
}

/** Waits for so many frames of a kind, each whole. */
export function framesOf(
  socket: Socket,
  wanted: (frame: Buffer) => boolean,
  count: number,
): Promise<readonly Buffer[]> {
  const found: Buffer[] = []
  let received = Buffer.alloc(0)
  return new Promise((resolve) => {
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data])
      while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
        const length = 9 + received.readUIntBE(0, 3)
        const first = received.subarray(0, length)
        if (wanted(first)) found.push(first)
        received = received.subarray(length)
      }
      if (found.length >= count) resolve(found)
    })
  })
}

/** Waits until the other side has closed the connection. */
export async function closed(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.resume()
  if (socket.closed) return
  await new Promise<void>((resolve, reject) => {
    socket.once('close', () => resolve())
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function prefixed(value: number, bits: number, first: number): Buffer {
  const most = (1 << bits) - 1
  if (value < most) return Buffer.of(first | value)
  const bytes = [first | most]
  let rest = value - most
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}
