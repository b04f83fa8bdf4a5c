import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type FileHandle, link, open, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { makeDirectory } from './files.js'

/** Another process of the same kind works with a directory. */
export class DirectoryHeld extends Error {
  override readonly name = 'DirectoryHeld'
  readonly directory: string

  constructor(who: string, directory: string) {
    super(`another ${who} runs on this host, with the same directory ${directory}`)
    this.directory = directory
  }
}

/** How often it is looked anew where others take over the directory at the same time. */
const ATTEMPTS = 20

/**
 * Makes sure that no second process of a kind works with a directory, which is made where there is none. It is held by
 * a socket on which this process listens, so a process that was killed holds nothing.
 *
 * The sockets are numbered, and the highest counts. Who finds that nobody answers there makes the next one, which only one can,
 * and it is never taken away but by who made a higher one: of two that take over at once, one is refused.
 *
 * @param who the kind, in the words of a message: `agent`
 * @param mode of a directory that is made
 * @returns lets go of the directory
 * @throws DirectoryHeld
 */
export async function holdDirectory(who: string, directory: string, mode = 0o700): Promise<() => void> {
  await makeDirectory(directory, mode)
  const handle = await open(directory, 'r')
  try {
    // By its descriptor, since the address of a socket has no room for a long path.
    const held = await hold(who.replaceAll(' ', '-'), `/proc/self/fd/${handle.fd}`)
    if (held === undefined) throw new DirectoryHeld(who, directory)
    return releaseOf(held, handle)
  } catch (error) {
    await handle.close()
    throw deniedIn(directory, error)
  }
}

/** What is not allowed in the directory is told with its path, and not with that of a descriptor. */
function deniedIn(directory: string, error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException
  if (!['EACCES', 'EPERM', 'EROFS'].includes(code)) return error
  return Object.assign(new Error(`${code}: nothing can be made in ${directory}`, { cause: error }), {
    code,
    path: directory,
  })
}

function releaseOf(server: Server, handle: FileHandle): () => void {
  return () => {
    server.close()
    void handle.close()
  }
}

/** Undefined where another has it. */
async function hold(name: string, directory: string): Promise<Server | undefined> {
  const own = `${directory}/.${name}.${randomBytes(6).toString('hex')}`
  const server = createServer((socket) => socket.destroy())
  await once(server.listen(own), 'listening')
  server.unref()
  try {
    if (await claim(name, directory, own)) return server
    server.close()
    return undefined
  } catch (error) {
    server.close()
    throw error
  } finally {
    await rm(own, { force: true })
  }
}

async function claim(name: string, directory: string, own: string): Promise<boolean> {
  const pathOf = (number: number) => `${directory}/${name}.lock.${number}`
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [highest = 0] = await numbersOf(name, directory)
    if (highest > 0 && (await answers(pathOf(highest)))) return false
    const next = highest + 1
    // A socket that listens already is linked: one that is not ready yet would look as if nobody had it.
    if (!(await linkNew(own, pathOf(next)))) continue
    const [now, ...lower] = await numbersOf(name, directory)
    if (now === next) {
      for (const number of lower) await rm(pathOf(number), { force: true })
      return true
    }
    await rm(pathOf(next), { force: true })
  }
  return false
}

/** The numbers of the sockets that are there, the highest first. */
async function numbersOf(name: string, directory: string): Promise<readonly number[]> {
  const prefix = `${name}.lock.`
  const names = (await readdir(directory)).filter((one) => one.startsWith(prefix))
  return names
    .map((one) => Number(one.slice(prefix.length)))
    .filter(Number.isSafeInteger)
    .sort((a, b) => b - a)
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Whether a process listens at a Unix socket.
 *
 * @throws where that cannot be told, as for want of permission
 */
export async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(code)) return false
    // So many want to know it that they have to wait.
    if (code === 'EAGAIN') return true
    throw error
  } finally {
    socket.destroy()
  }
}
