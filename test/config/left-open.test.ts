import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLog } from '../../common/log.js'
import { LeftOpenError } from '../../controlplane/config/left-open.js'
import { type OpenConfig, openConfig } from '../../controlplane/config/watch.js'
import { atEnd } from '../lab/at-end.js'

const CLOSED = 'kind: authorization\nservice: pay\nallow: []\n'
const MISSPELT = CLOSED.replace('allow', 'alow')
const LAST_GOOD = 'last-good-documents.json'

/** A directory of documents, and one of state that holds what was in effect before. */
class Files {
  readonly #documents: string
  readonly #state: string

  private constructor(documents: string, state: string) {
    this.#documents = documents
    this.#state = state
  }

  static async make(t: TestContext): Promise<Files> {
    const [documents, state] = [await mkdtemp(join(tmpdir(), 'mesh-')), await mkdtemp(join(tmpdir(), 'mesh-'))]
    atEnd(t, async () => {
      for (const one of [documents, state]) await rm(one, { recursive: true, force: true })
    })
    return new Files(documents, state)
  }

  async write(name: string, text: string): Promise<this> {
    await writeFile(join(this.#documents, name), text)
    return this
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#documents, name))
  }

  async keep(text: string): Promise<this> {
    await writeFile(join(this.#state, LAST_GOOD), text)
    return this
  }

  open(): Promise<OpenConfig> {
    return openConfig([this.#documents], this.#state, silentLog)
  }
}

/** What an older version of the control plane may have kept of a document: text that this one refuses. */
function kept(text: string, file: string): string {
  const good = { identity: 'authorization pay', text, line: 1, since: 1 }
  return JSON.stringify({ version: 1, files: { [file]: [good] } })
}

const refused = (error: unknown) => error instanceof LeftOpenError && /a\.yaml:1: the authorization/.test(error.message)

test('a control plane does not begin beside an authorization document that is not valid, and says where it is', async (t) => {
  const files = await (await Files.make(t)).write('a.yaml', MISSPELT)
  await assert.rejects(files.open(), refused)
})

test('nor beside a file that is no YAML and speaks of one, nor when what it kept is damaged', async (t) => {
  const broken = await (await Files.make(t)).write('a.yaml', `${CLOSED}  x: [\n`)
  await assert.rejects(broken.open(), refused)
  const damaged = await (await (await Files.make(t)).write('a.yaml', MISSPELT)).keep('{')
  await assert.rejects(damaged.open(), refused)
})

test('it begins beside any other document that is not valid', async (t) => {
  const files = await (await Files.make(t)).write('a.yaml', 'kind: route\nservice: pay\nrles: []\n')
  assert.equal((await files.open()).loaded.value.problems.length > 0, true)
})

test('it begins beside a file in which an authorization document is only a comment', async (t) => {
  const files = await (await Files.make(t)).write('a.yaml', CLOSED.replace(/^/gm, '# '))
  assert.deepEqual((await files.open()).loaded.value.problems, [])
})

test('it starts again beside an emptied file with what was in it, until the file is removed', async (t) => {
  const files = await (await Files.make(t)).write('a.yaml', CLOSED)
  const closed = async () => (await files.open()).loaded.value.config.authorizations.length
  assert.equal(await closed(), 1)
  await files.write('a.yaml', '')
  assert.deepEqual([await closed(), await closed()], [1, 1])
  await files.remove('a.yaml')
  assert.equal(await closed(), 0)
})

test('it starts again beside a document that was never valid, since that never closed anything', async (t) => {
  const files = await (await Files.make(t)).write('b.yaml', 'kind: service\nservice: pay\n')
  await files.open()
  await files.write('a.yaml', MISSPELT)
  const { config } = (await files.open()).loaded.value
  assert.deepEqual([config.services.size, config.authorizations.length], [1, 0])
})

test('it starts again beside a document that became invalid, with the last good one', async (t) => {
  const files = await (await Files.make(t)).write('a.yaml', CLOSED)
  await files.open()
  await files.write('a.yaml', MISSPELT)
  assert.equal((await files.open()).loaded.value.config.authorizations.length, 1)
})

test('it does not start with a version that does not understand what was in effect', async (t) => {
  const files = await (await Files.make(t)).write('a.yaml', CLOSED)
  await files.open()
  const later = CLOSED.replace('allow: []', 'allow: [{ from: { planets: [mars] } }]')
  await files.write('a.yaml', later)
  const shown = `${(await files.open()).loaded.value.config.authorizations[0]?.location.file}`
  await files.keep(kept(later, shown))
  await assert.rejects(files.open(), refused)
})
