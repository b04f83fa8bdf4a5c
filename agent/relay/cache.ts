import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { makeDirectory, readIfPresent, writeFileAtomically } from '../../common/files.js'
import { type Latest, nextChange } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import { delay, type Rest, restAfter } from '../../common/tasks.js'
import type { Resource, ResourceSet } from '../../common/xds/resource.js'

const cacheFile = z.strictObject({
  format: z.literal(1),
  /** Wall-clock milliseconds. */
  savedAt: z.number(),
  /** Of the roots that were trusted then: a cache from before a rotation of the CA is not used. */
  trust: z.string(),
  resources: z.array(z.tuple([z.string(), z.string(), z.string(), z.string()])),
})

/** Resources of an earlier run, with the time when they were kept, wall-clock milliseconds. */
export interface CachedResources {
  readonly resources: ResourceSet
  readonly savedAt: number
}

/** The file of the cache: one for each minor version of Envoy, because newer fields are sent only to newer Envoys. */
export function cachePath(stateDirectory: string, envoyVersion: string): string {
  const minor = /^\d+\.\d+/.exec(envoyVersion)?.[0] ?? 'unknown'
  return join(stateDirectory, 'cache', `resources-envoy-${minor}.json`)
}

/**
 * Reads what the relay last held, so that Envoy comes up although no control plane answers. Undefined where there is
 * nothing, where it cannot be read or is damaged, or where it is from before the trust bundle changed.
 */
export async function readCache(path: string, trustBundlePem: string, log: Log): Promise<CachedResources | undefined> {
  try {
    const text = await readIfPresent(path)
    if (text === undefined) return undefined
    const { savedAt, trust, resources } = cacheFile.parse(JSON.parse(text))
    if (trust !== fingerprint(trustBundlePem)) {
      log.warn('the last-good cache is from before the trust bundle changed; it is not used', { path })
      return undefined
    }
    return { savedAt, resources: toSet(resources) }
  } catch (error) {
    log.warn('the last-good cache cannot be read or is damaged; it is not used', { path, error })
    return undefined
  }
}

/**
 * Between two writings passes a multiple of the time that one takes: in a large mesh these are many megabytes, and something
 * changes all the time. What could not be written is tried again after the longest of these pauses.
 */
const REST: Rest = { least: 1_000, most: 30_000, times: 20 }

/**
 * Keeps the newest resources on disk, with the roots that are trusted, at most once in a second, until the signal aborts;
 * then once more.
 */
export async function runCache(
  path: string,
  resources: Latest<ResourceSet>,
  trust: Latest<{ readonly trustBundlePem: string }>,
  savedAt: Latest<number | undefined>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let kept = { set: resources.value, roots: trust.value.trustBundlePem }
  const keep = async (): Promise<boolean> => {
    const now = { set: resources.value, roots: trust.value.trustBundlePem }
    if (now.set === kept.set && now.roots === kept.roots) return true
    try {
      await writeCache(path, now.set, now.roots)
      kept = now
      savedAt.set(Date.now())
      return true
    } catch (error) {
      log.error('the last-good cache could not be written', { path, error })
      return false
    }
  }
  while (!signal.aborted) {
    const changed = nextChange([resources, trust], signal)
    const began = performance.now()
    const isKept = await keep()
    await delay(isKept ? restAfter(performance.now() - began, REST) : REST.most, signal)
    if (isKept) await changed
  }
  await keep()
}

async function writeCache(path: string, set: ResourceSet, trustBundlePem: string): Promise<void> {
  const resources = [...set].flatMap(([type, byName]) =>
    [...byName.values()].map(({ name, version, bytes }) => [
      type,
      name,
      version,
      Buffer.from(bytes).toString('base64'),
    ]),
  )
  await makeDirectory(join(path, '..'))
  await writeFileAtomically(
    path,
    JSON.stringify({ format: 1, savedAt: Date.now(), trust: fingerprint(trustBundlePem), resources }),
  )
}

function toSet(entries: readonly (readonly [string, string, string, string])[]): ResourceSet {
  const set = new Map<string, Map<string, Resource>>()
  for (const [type, name, version, base64] of entries) {
    const byName = set.get(type) ?? new Map<string, Resource>()
    set.set(type, byName.set(name, { type, name, version, bytes: Buffer.from(base64, 'base64') }))
  }
  return set
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
