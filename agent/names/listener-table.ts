import { type FileHandle, open } from 'node:fs/promises'

/** The kernel answers a read of its table with a page of whole lines. */
const BUFFER_BYTES = 64 * 1024

/** A line of the table in any other state than LISTEN. */
const CONNECTION = /^ *\d+: \S+ \S+ (?!0A )[0-9A-F]{2} /m

/**
 * The part of /proc/net/tcp or /proc/net/tcp6 in which listeners stand; undefined where there is no such file. The
 * kernel lists all listeners before the first connection, so that a host with a hundred thousand connections is looked
 * at as soon as an idle one.
 */
export async function readListenerTable(path: string): Promise<string | undefined> {
  const file = await open(path).catch(absent)
  if (file === undefined) return undefined
  try {
    return await readUntilConnection(file)
  } finally {
    await file.close()
  }
}

async function readUntilConnection(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(BUFFER_BYTES)
  let text = ''
  for (;;) {
    const { bytesRead } = await file.read(buffer)
    const piece = buffer.toString('latin1', 0, bytesRead)
    text += piece
    if (bytesRead === 0 || CONNECTION.test(piece)) return text
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
