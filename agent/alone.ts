import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { makeDirectory } from '../common/files.js'

/** Another agent has the run directory. */
export class AgentRuns extends Error {
  override readonly name = 'AgentRuns'

  constructor(runDirectory: string) {
    super(`another agent runs on this host, with the same run directory ${runDirectory}`)
  }
}

/**
 * Makes sure that no second agent works with the same run directory: two would take each other's sockets, Envoy and
 * session for ever. The directory is held by a socket on which this process listens, so an agent that was killed holds
 * nothing.
 *
 * @returns lets go of the directory
 * @throws AgentRuns
 */
export async function runAlone(runDirectory: string): Promise<() => void> {
  await makeDirectory(runDirectory, 0o750)
  const path = join(runDirectory, 'agent.lock')
  const server = (await tryListen(path)) ?? (await takeOver(path))
  if (server === undefined) throw new AgentRuns(runDirectory)
  return () => server.close()
}

/** Undefined where the path is taken, be it by nobody who lives. */
async function tryListen(path: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy())
  try {
    await once(server.listen(path), 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    throw error
  }
  server.unref()
  return server
}

async function takeOver(path: string): Promise<Server | undefined> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return undefined
  } catch {
    // Whoever made the socket is gone.
    await rm(path, { force: true })
    return await tryListen(path)
  } finally {
    socket.destroy()
  }
}
