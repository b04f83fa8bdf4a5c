import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import { ResourceStore } from '../../common/xds/store.js'
import { cachePath, readCache } from './cache.js'

/** What the relay has of the control plane, from an earlier run where there was one. */
export interface RelayResources {
  readonly received: ResourceStore
  /** Whether it is whole: from disk, or every type has been answered since. */
  readonly whole: Latest<boolean>
  /** When what is on disk was written, wall-clock milliseconds; undefined: nothing is. */
  readonly savedAt: Latest<number | undefined>
  /** The file in which it is kept. */
  readonly path: string
}

/** Begins with what an earlier run kept on disk for this minor version of Envoy, or with nothing. */
export async function loadResources(
  stateDirectory: string,
  envoyVersion: string,
  trustBundlePem: string,
  log: Log,
): Promise<RelayResources> {
  const path = cachePath(stateDirectory, envoyVersion)
  const cached = await readCache(path, trustBundlePem, log)
  if (cached !== undefined) {
    const savedAt = new Date(cached.savedAt).toISOString()
    log.info('configuration of an earlier run is used until a control plane answers', { savedAt })
  }
  return {
    received: new ResourceStore(cached?.resources),
    whole: new Latest(cached !== undefined),
    savedAt: new Latest(cached?.savedAt),
    path,
  }
}
