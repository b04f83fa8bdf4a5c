import { chmod, chown, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { UnixSocket } from '../common/bind.js'
import { isMissing } from '../common/files.js'
import { type Latest, waitFor } from '../common/latest.js'
import type { Log } from '../common/log.js'
import type { Problem } from '../common/problem.js'
import type { Task } from '../common/tasks.js'
import type { ResourceSet } from '../common/xds/resource.js'
import { LISTENER } from '../common/xds/types.js'
import type { ServiceFile, ServiceUpstream } from './service-file.js'
import type { AgentSettings } from './settings-schema.js'

/** Below which each service has a directory for the Unix sockets of its upstreams. */
export function socketDirectory({ envoyRunDirectory }: Pick<AgentSettings, 'envoyRunDirectory'>): string {
  return join(envoyRunDirectory, 'upstreams')
}

interface DeclaredSocket {
  readonly service: ServiceFile
  readonly bind: UnixSocket
  readonly group: ServiceUpstream['group']
}

/**
 * Makes the directories in which Envoy makes the sockets of declared upstreams. Each is closed to everybody but Envoy's
 * own user and group, or the group that the service file names: it is what keeps other users of the host out, whatever
 * the permissions of a socket are at the moment in which it is made.
 *
 * Envoy keeps a socket whose permissions change, so those of sockets that are there already are set here.
 *
 * @param directory that of {@link socketDirectory}
 * @returns what could not be made or given; what is not given stays closed
 */
export async function makeSocketDirectories(
  directory: string,
  services: readonly ServiceFile[],
): Promise<readonly Problem[]> {
  const sockets = services.flatMap((service) =>
    service.upstreams.flatMap(({ bind, group }) => (bind.kind === 'pipe' ? [{ service, bind, group }] : [])),
  )
  const problems: Problem[] = []
  for (const path of new Set(sockets.map(({ bind }) => dirname(bind.path)))) {
    const members = sockets.filter(({ bind }) => dirname(bind.path) === path)
    try {
      await makePassage(directory)
      problems.push(...(await makeOne(path, members)))
    } catch (error) {
      problems.push(...members.slice(0, 1).map(({ service }) => notMade(service, path, error)))
    }
  }
  return problems
}

/** What is above the directories of services may be passed through and not listed. */
async function makePassage(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o751 })
  await chmod(dirname(directory), 0o751)
  await chmod(directory, 0o751)
}

async function makeOne(path: string, sockets: readonly DeclaredSocket[]): Promise<readonly Problem[]> {
  const [first, ...others] = sockets
  if (first === undefined) return []
  await mkdir(path, { recursive: true, mode: 0o750 })
  const problems = others
    .filter(({ group }) => group !== first.group)
    .map(({ service }) => wrongGroup(service, `the sockets in ${path} share the group ${first.group ?? 'of Envoy'}`))
  const given = await giveTo(path, first)
  for (const { bind } of sockets) await settleSocket(bind, given.gid)
  return [...given.problems, ...problems]
}

/** Sets group and permissions of a directory; sockets in it get its group when Envoy makes them. */
async function giveTo(
  path: string,
  { service, group }: DeclaredSocket,
): Promise<{ readonly gid: number; readonly problems: readonly Problem[] }> {
  const own = process.getegid?.() ?? 0
  const wanted = group === undefined ? own : await groupId(group)
  const problems: Problem[] = []
  let gid = wanted ?? own
  if (wanted === undefined) problems.push(wrongGroup(service, `there is no group ${group} on this host`))
  await chmod(path, 0o750)
  try {
    await chown(path, -1, gid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    problems.push(wrongGroup(service, `the agent's user may not give a directory to the group ${group ?? own}`))
    gid = own
    await chown(path, -1, gid)
  }
  if (gid !== own) await chmod(path, 0o2750)
  return { gid, problems }
}

async function settleSocket({ path, mode }: UnixSocket, gid: number): Promise<void> {
  try {
    await chown(path, -1, gid)
    await chmod(path, mode)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** @returns undefined where the host has no such group */
async function groupId(name: string): Promise<number | undefined> {
  const lines = (await readFile('/etc/group', 'utf8')).split('\n').map((line) => line.split(':'))
  const id = lines.find(([one]) => one === name)?.[2]
  return id === undefined ? undefined : Number(id)
}

function wrongGroup(service: ServiceFile, reason: string): Problem {
  const message = `${reason}; the sockets of ${service.service} stay closed to others`
  const hint = 'name another group, or make it, let the agent be a member, and start the agent again'
  return { ...service.location, code: 'MSH0254', severity: 'error', path: 'upstreams', message, hint }
}

function notMade(service: ServiceFile, path: string, error: unknown): Problem {
  const message = `Envoy has no place for the sockets of ${service.service}: ${path}: ${(error as Error).message}`
  return { ...service.location, code: 'MSH0254', severity: 'error', path: 'upstreams', message }
}

/**
 * Makes the directories of sockets that Envoy is served from the last good configuration, before service files are read:
 * a directory for run-time files is empty after a reboot. They are closed until the files say whose they are.
 */
export async function makeServedDirectories(directory: string, served: ResourceSet, log: Log): Promise<void> {
  const ours = [...servedSockets(served)].filter((path) => dirname(dirname(path)) === directory)
  for (const path of ours) {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o750 })
    } catch (error) {
      log.warn('Envoy has no place for the socket of an upstream', { path, error })
    }
  }
}

/**
 * Removes the sockets of listeners that Envoy is not served, also those of a time before: Envoy leaves them behind. None is
 * touched before Envoy is answered: one that outlived its agent may have listeners that the disk does not know, and would
 * never make their sockets again.
 */
export function removeStaleSockets(
  directory: string,
  served: Latest<ResourceSet>,
  serving: Latest<boolean>,
  log: Log,
): Task {
  return async (signal) => {
    await waitFor(serving, (answered) => answered, signal)
    let settled: { readonly listeners: unknown } | undefined
    for await (const set of served.values(signal)) {
      const listeners = set.get(LISTENER)
      if (settled !== undefined && settled.listeners === listeners) continue
      try {
        for (const path of await removeUnserved(directory, served)) log.info('socket of an upstream removed', { path })
        settled = { listeners }
      } catch (error) {
        // As when no file descriptor is left: they are looked at again with the next change.
        log.warn('sockets of upstreams that are gone cannot be removed', { error })
      }
    }
  }
}

async function removeUnserved(directory: string, served: Latest<ResourceSet>): Promise<readonly string[]> {
  const removed: string[] = []
  for (const path of await presentSockets(directory)) {
    if (servedSockets(served.value).has(path)) continue
    await rm(path, { force: true })
    removed.push(path)
  }
  return removed
}

async function presentSockets(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isSocket()).map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** The paths of listeners at Unix sockets; their names end with them. */
function servedSockets(served: ResourceSet): ReadonlySet<string> {
  const names = [...(served.get(LISTENER)?.keys() ?? [])]
  return new Set(names.flatMap((name) => /^upstream\/[^/]+\/unix:(.+)$/.exec(name)?.[1] ?? []))
}
