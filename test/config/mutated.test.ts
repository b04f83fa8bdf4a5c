import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ServicesLoader } from '../../agent/services.js'
import { agentSettings } from '../../agent/settings-schema.js'
import { listDirectories, MOST_FILES } from '../../common/config/directory.js'
import { watchFiles } from '../../common/config/file-set.js'
import { validate } from '../../common/config/validate.js'
import { readYaml } from '../../common/config/yaml.js'
import type { Problem } from '../../common/problem.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { controlPlaneSettings } from '../../controlplane/settings-schema.js'
import { CORPUS } from './corpus.js'
import { mutate } from './mutate.js'
import { randomOf } from './random.js'

const SEED = 20_261_124

/** How a kind of files is read, with a good one beside it that must not be touched. */
interface Reader {
  readonly count: number
  readonly read: (text: string, now: number) => { readonly problems: readonly Problem[]; readonly beside: unknown }
}

function documents(): Reader['read'] {
  const loader = new ConfigLoader()
  const beside = { shown: 'z.yaml', text: 'kind: route\nservice: steady\nrules: [{ timeout: 1s }]\n' }
  return (text, now) => {
    const { loaded } = loader.load({ files: [{ shown: 'a.yaml', text }, beside], hidden: [], problems: [] }, now)
    return { problems: loaded.problems, beside: loaded.config.routes.get('steady')?.get('') }
  }
}

function serviceFiles(): Reader['read'] {
  const loader = new ServicesLoader()
  const beside = { shown: 'z.yaml', text: 'service: steady\nport: 1\nprotocol: http\n' }
  return (text, now) => {
    const loaded = loader.load({ files: [{ shown: 'a.yaml', text }, beside], hidden: [], problems: [] }, now)
    return { problems: loaded.problems, beside: loaded.services.find(({ service }) => service === 'steady') }
  }
}

function settings(schema: typeof agentSettings | typeof controlPlaneSettings): Reader['read'] {
  return (text) => {
    const { documents: read, problems } = readYaml('a.yaml', text)
    return { problems: [...problems, ...read.flatMap((one) => validate(one, schema as never).problems)], beside: true }
  }
}

const READERS: Readonly<Record<keyof typeof CORPUS, Reader>> = {
  document: { count: 10_000, read: documents() },
  'service-file': { count: 2_000, read: serviceFiles() },
  agent: { count: 1_000, read: settings(agentSettings) },
  controlplane: { count: 1_000, read: settings(controlPlaneSettings) },
}

for (const [kind, { count, read }] of Object.entries(READERS)) {
  test(`${count} mutations of ${kind} texts: no crash, none slow, each told within its lines, its neighbour untouched`, () => {
    const random = randomOf(SEED)
    const corpus = CORPUS[kind as keyof typeof CORPUS]
    let [slowest, refused] = [0, 0]
    let neighbour: unknown
    for (let number = 0; number < count; number++) {
      let text = corpus[number % corpus.length] ?? ''
      for (let times = 1 + Math.floor(random() * 4); times > 0; times--) text = mutate(text, random)
      const before = process.cpuUsage()
      const { problems, beside } = read(text, number)
      slowest = Math.max(slowest, process.cpuUsage(before).user / 1000)
      if (problems.some(({ severity }) => severity === 'error')) refused++
      const lines = text.split('\n')
      for (const { file, line, column } of problems) {
        assert.equal(file, 'a.yaml')
        const within = line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1] ?? '').length + 1
        assert.ok(within, `number ${number}: ${line}:${column} in ${JSON.stringify(text)}`)
      }
      neighbour ??= beside
      assert.ok(beside !== undefined && beside === neighbour, `number ${number}`)
    }
    assert.ok(refused > count / 2, `only ${refused} were refused`)
    assert.ok(slowest < 1_000, `one took ${slowest} ms`)
    assert.equal(({} as { authorization?: unknown }).authorization, undefined)
  })
}

test('two hundred mutated files that are written under a watcher: each is told, none changed, the good one is in effect', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mesh-mutated-'))
  const stop = new AbortController()
  try {
    const random = randomOf(SEED)
    const written = new Map<string, string>()
    const good = 'kind: route\nservice: steady\nrules: [{ timeout: 1s }]\n'
    await writeFile(join(directory, 'good.yaml'), good)
    const loader = new ConfigLoader()
    for (let number = 0; number < 200; number++) {
      const text = mutate(CORPUS.document[number % CORPUS.document.length] ?? '', random)
      written.set(`f${number}.yaml`, text)
      await writeFile(join(directory, `f${number}.yaml`), text)
    }
    for await (const files of watchFiles([directory], stop.signal)) {
      const { loaded } = loader.load(files, Date.now())
      assert.ok(loaded.config.routes.get('steady')?.get('') !== undefined)
      if (files.files.filter(({ text }) => text !== undefined).length < 201) continue
      const told = new Set(loaded.problems.map(({ file }) => file.slice(file.indexOf('/') + 1)))
      for (const [name, text] of written) {
        const { loaded: alone } = new ConfigLoader().load(
          { files: [{ shown: name, text }], hidden: [], problems: [] },
          0,
        )
        if (alone.problems.length > 0) assert.ok(told.has(name), name)
        assert.equal(await readFile(join(directory, name), 'utf8'), text)
      }
      stop.abort()
    }
    assert.ok(stop.signal.aborted)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('a directory with more files than anybody means is told as one, and those beside it are read', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mesh-many-'))
  try {
    await mkdir(join(root, 'many'))
    await mkdir(join(root, 'few'))
    await writeFile(join(root, 'few', 'a.yaml'), '')
    for (let from = 0; from <= MOST_FILES; from += 500) {
      const names = Array.from({ length: 500 }, (_, index) => join(root, 'many', `f${from + index}.yaml`))
      await Promise.all(names.map((name) => writeFile(name, '')))
    }
    const { files, hidden, problems } = await listDirectories([join(root, 'many'), join(root, 'few')])
    assert.deepEqual(
      files.map(({ shown }) => shown),
      ['few/a.yaml'],
    )
    assert.deepEqual(
      hidden.map(({ shown }) => shown),
      ['many'],
    )
    assert.deepEqual(
      problems.map(({ code, file }) => [code, file]),
      [['MSH0121', 'many']],
    )
  } finally {
    await rm(root, { recursive: true })
  }
})
