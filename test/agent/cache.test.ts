import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readCache, runCache } from '../../agent/relay/cache.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import type { ResourceSet } from '../../common/xds/resource.js'
import { CLUSTER } from '../../common/xds/types.js'
import { resourceSet, testResource } from '../xds/mesh-model.js'

async function cachePath(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mesh-cache-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'resources.json')
}

/** A cache that runs until the test ends; `written` resolves with the next time at which it was written. */
function runningCache(t: TestContext, path: string) {
  const resources = new Latest<ResourceSet>(new Map())
  const trust = new Latest({ trustBundlePem: 'old roots' })
  const savedAt = new Latest<number | undefined>(undefined)
  const end = new AbortController()
  const running = runCache(path, resources, trust, savedAt, silentLog, end.signal)
  t.after(async () => {
    end.abort()
    await running
  })
  const written = (times: number) => waitFor(savedAt, () => savedAt.revision >= times, AbortSignal.timeout(20_000))
  return { resources, trust, written }
}

test('what was kept is still of use when the roots have changed and nothing else has', async (t) => {
  const path = await cachePath(t)
  const { resources, trust, written } = runningCache(t, path)
  resources.set(resourceSet(testResource(CLUSTER, 'a', '1')))
  await written(1)
  assert.equal(await readCache(path, 'new roots', silentLog), undefined)
  trust.set({ trustBundlePem: 'new roots' })
  await written(2)
  const cached = await readCache(path, 'new roots', silentLog)
  assert.deepEqual([...(cached?.resources.get(CLUSTER)?.keys() ?? [])], ['a'])
  assert.equal(await readCache(path, 'old roots', silentLog), undefined)
})

test('a cache that cannot be read counts as none', async (t) => {
  const path = await cachePath(t)
  await mkdir(path)
  assert.equal(await readCache(path, 'roots', silentLog), undefined)
})
