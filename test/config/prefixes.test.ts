import assert from 'node:assert/strict'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { watchFiles } from '../../common/config/file-set.js'
import { GONE_MS, Settling, SHRUNK_MS, STABLE_MS } from '../../common/config/settle.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { CORPUS } from './corpus.js'

const PATH = '/mesh.d/a.yaml'
const stat = (size: number, at: number) => ({
  inode: 1n,
  size: BigInt(size),
  modified: BigInt(at),
  changed: BigInt(at),
})
const looking = (size: number, at: number, now: number) => ({ files: new Map([[PATH, stat(size, at)]]), now })

test('no prefix of a file that is written in place is ever read: at every byte, with pauses just below the limit', () => {
  for (const text of CORPUS.document) {
    const settling = new Settling()
    settling.taken(PATH, stat(text.length, 0))
    let now = 0
    for (let length = 0; length <= text.length; length++) {
      now += STABLE_MS - 1
      assert.deepEqual(settling.observe(looking(length, now, now)).take, [], `${length} bytes`)
    }
    const { take } = settling.observe(looking(text.length, now, now + STABLE_MS))
    assert.deepEqual(take, [PATH])
  }
})

test('a writer that stops for good in the first half of a file is waited for longer', () => {
  for (const text of CORPUS.document) {
    for (let length = 1; length * 2 < text.length; length++) {
      const settling = new Settling()
      settling.taken(PATH, stat(text.length, 0))
      settling.observe(looking(length, 1, 1))
      assert.deepEqual(settling.observe(looking(length, 1, SHRUNK_MS - 1)).take, [], `${length} bytes`)
      assert.deepEqual(settling.observe(looking(length, 1, 1 + SHRUNK_MS)).take, [PATH])
    }
  }
  assert.ok(SHRUNK_MS > GONE_MS && GONE_MS > STABLE_MS)
})

/** A realistic file of which many prefixes are valid documents that say something else. */
const version = (seconds: number) =>
  `# The routes of the team\nkind: route\nservice: payments\nrules:\n${Array.from(
    { length: 12 },
    (_, index) => `  - match: { path: { prefix: /p${index}/ } }\n    timeout: ${seconds}s\n`,
  ).join('')}  - timeout: ${seconds}s\n`

for (const step of [1, 7, 64]) {
  test(`a file written in place ${step} bytes at a time under a watcher: what is published is the old or the new`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mesh-prefix-'))
    const file = join(directory, 'a.yaml')
    const stop = new AbortController()
    try {
      await writeFile(file, version(1))
      const loader = new ConfigLoader()
      const published: string[] = []
      let writing: Promise<void> | undefined
      for await (const files of watchFiles([directory], stop.signal, { rescan: 20 })) {
        const { config } = loader.load(files, Date.now()).loaded
        const rules = config.routes.get('payments')?.get('')?.value.rules ?? []
        published.push(`${rules.length} ${[...new Set(rules.map(({ timeout }) => timeout))].join()}`)
        writing ??= writeSlowly(file, version(2), step)
        if (published.at(-1) === '13 2000') stop.abort()
      }
      await writing
      assert.deepEqual(published, ['13 1000', '13 2000'])
    } finally {
      await rm(directory, { recursive: true })
    }
  })
}

/** As a careless program does: truncates, then writes piece after piece, each as soon as the one before is written. */
async function writeSlowly(path: string, text: string, step: number): Promise<void> {
  const file = await open(path, 'w')
  for (let at = 0; at < text.length; at += step) {
    await file.write(text.slice(at, at + step))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await file.close()
}
