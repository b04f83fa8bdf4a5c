import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, open, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDocumentName } from '../../common/config/directory.js'
import { type FileSet, type FileSetOptions, readFiles, watchFiles } from '../../common/config/file-set.js'
import { Latest, waitFor } from '../../common/latest.js'

async function temporary(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'files-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  return root
}

/** Follows directories for the length of a test; the values are all that was yielded, newest last. */
function follow(
  t: TestContext,
  directories: readonly string[],
  options: FileSetOptions = {},
): Latest<readonly FileSet[]> {
  const seen = new Latest<readonly FileSet[]>([])
  const end = new AbortController()
  const following = (async () => {
    for await (const set of watchFiles(directories, end.signal, options)) seen.set([...seen.value, set])
  })()
  t.after(async () => {
    end.abort()
    await following
  })
  return seen
}

const texts = ({ files }: FileSet) => Object.fromEntries(files.map(({ shown, text }) => [shown, text]))
const told = ({ problems }: FileSet) => problems.map(({ file, code }) => `${file} ${code}`)
const until = (seen: Latest<readonly FileSet[]>, accept: (set: FileSet) => boolean) =>
  waitFor(seen, (sets) => sets.some(accept), AbortSignal.timeout(10_000))
const has = (shown: string, text: string | undefined) => (set: FileSet) => texts(set)[shown] === text

/** Only looking from time to time, as where no events come. */
const BLIND: FileSetOptions = { events: () => async () => {}, rescan: 50 }

const names: readonly (readonly [string, boolean])[] = [
  ['a.yaml', true],
  ['a.yml', true],
  ['a.prod.yaml', true],
  ['.a.yaml', false],
  ['.#a.yaml', false],
  ['#a.yaml#', false],
  ['a.yaml~', false],
  ['a.yaml.dpkg-new', false],
  ['a.dpkg-old.yaml', false],
  ['a.yaml.rpmnew', false],
  ['a.yaml.swp', false],
  ['a.json', false],
]

for (const [name, want] of names) {
  test(`${name} is ${want ? '' : 'not '}the name of a document`, () => assert.equal(isDocumentName(name), want))
}

test('files are read in lexical order, below their directory, each once; a directory that is missing is empty', async (t) => {
  const root = await temporary(t)
  await mkdir(join(root, 'routes.d/team/.git'), { recursive: true })
  for (const name of ['b.yaml', 'team/a.yaml', 'a.yml', '.hidden.yaml', 'team/.git/x.yaml', 'c.txt'])
    await writeFile(join(root, 'routes.d', name), name)
  const set = await readFiles([join(root, 'mesh.d'), join(root, 'routes.d'), join(root, 'routes.d/team')])
  assert.deepEqual(
    set.files.map(({ shown, text }) => `${shown}=${text}`),
    ['routes.d/a.yml=a.yml', 'routes.d/b.yaml=b.yaml', 'routes.d/team/a.yaml=team/a.yaml'],
  )
  assert.deepEqual(set.problems, [])
})

test('files of two directories of the same name are told apart', async (t) => {
  const root = await temporary(t)
  for (const side of ['left', 'right']) {
    await mkdir(join(root, side, 'routes.d'), { recursive: true })
    await writeFile(join(root, side, 'routes.d/a.yaml'), side)
  }
  const set = await readFiles([join(root, 'left/routes.d'), join(root, 'right/routes.d')])
  assert.deepEqual(Object.values(texts(set)), ['left', 'right'])
  assert.equal(set.files[0]?.shown, join(root, 'left/routes.d/a.yaml'))
})

test('what cannot be read is a problem of its own, and all else is read', async (t) => {
  const root = await temporary(t)
  const at = (name: string) => join(root, 'd', name)
  await mkdir(at('directory.yaml'), { recursive: true })
  await mkdir(at('loop'))
  await symlink('..', at('loop/up'))
  await symlink('nowhere', at('dangling.yaml'))
  await symlink('self.yaml', at('self.yaml'))
  execFileSync('mkfifo', [at('pipe.yaml')])
  await writeFile(at('large.yaml'), '#'.repeat(1024 * 1024 + 1))
  await writeFile(at('latin.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe4]))
  await writeFile(at('good.yaml'), 'good')
  const set = await readFiles([join(root, 'd')])
  assert.equal(texts(set)['d/good.yaml'], 'good')
  assert.deepEqual(told(set).sort(), [
    'd/dangling.yaml MSH0101',
    'd/directory.yaml MSH0107',
    'd/large.yaml MSH0102',
    'd/latin.yaml MSH0103',
    'd/loop/up MSH0107',
    'd/pipe.yaml MSH0107',
    'd/self.yaml MSH0101',
  ])
  assert.deepEqual([...set.hidden].sort(), ['d/dangling.yaml', 'd/self.yaml'])
})

test('a file that becomes too large, or no text, or a directory, keeps its text and is told', async (t) => {
  const root = await temporary(t)
  for (const name of ['a', 'b', 'c']) await writeFile(join(root, `${name}.yaml`), 'good')
  const seen = follow(t, [root])
  await until(seen, (set) => set.files.length === 3)
  await truncate(join(root, 'a.yaml'), 2 * 1024 * 1024)
  await writeFile(join(root, 'b.yaml'), Buffer.from([0xff, 0xfe, 0x00, 0x41]))
  await unlink(join(root, 'c.yaml'))
  await mkdir(join(root, 'c.yaml'))
  await until(seen, (set) => set.problems.length === 3)
  assert.deepEqual(Object.values(texts(seen.value.at(-1) as FileSet)), ['good', 'good', 'good'])
})

test('a rename into place is taken, and nothing but the old and the new text is ever seen', async (t) => {
  const root = await temporary(t)
  const path = join(root, 'a.yaml')
  await writeFile(path, 'old')
  const seen = follow(t, [root])
  await until(seen, (set) => set.files.length === 1)
  await writeFile(`${path}.new`, 'new')
  await rename(`${path}.new`, path)
  await until(seen, ({ files }) => files[0]?.text === 'new')
  assert.deepEqual([...new Set(seen.value.map(({ files }) => files[0]?.text))], ['old', 'new'])
})

test('what an editor writes in pieces, in place or anew, is taken as a whole', async (t) => {
  const root = await temporary(t)
  const [inPlace, anew] = [join(root, 'a.yaml'), join(root, 'b.yaml')]
  const text = 'one\ntwo\nthree\n'
  await writeFile(inPlace, 'old')
  await writeFile(anew, 'old')
  const seen = follow(t, [root], { rescan: 10 })
  await until(seen, (set) => set.files.length === 2)
  await rename(anew, `${anew}~`)
  for (const path of [inPlace, anew]) {
    const file = await open(path, 'w')
    for (const piece of text.match(/.*\n/g) ?? []) {
      await file.write(piece)
      await file.sync()
    }
    await file.close()
  }
  await until(seen, ({ files }) => files.length === 2 && files.every((file) => file.text === text))
  const all = new Set(seen.value.flatMap(({ files }) => files.map((file) => file.text)))
  assert.deepEqual([...all].sort(), ['old', text])
})

test('a deleted file goes, and a renamed one is never there twice', async (t) => {
  const root = await temporary(t)
  await writeFile(join(root, 'a.yaml'), 'a')
  const seen = follow(t, [root], { rescan: 20 })
  await until(seen, ({ files }) => files.length === 1)
  await rename(join(root, 'a.yaml'), join(root, 'b.yaml'))
  await until(seen, (set) => Object.keys(texts(set)).some((shown) => shown.endsWith('b.yaml')))
  assert.ok(seen.value.every(({ files }) => files.filter(({ text }) => text === 'a').length === 1))
  await rm(join(root, 'b.yaml'))
  await until(seen, ({ files }) => files.length === 0)
})

test('without any event, a directory made later, a swapped link and what lies behind it are found by looking', async (t) => {
  const root = await temporary(t)
  const directory = join(root, 'routes.d')
  const seen = follow(t, [directory], BLIND)
  await until(seen, ({ files }) => files.length === 0)
  for (const release of ['1', '2']) {
    await mkdir(join(root, release))
    await writeFile(join(root, release, 'a.yaml'), release)
  }
  await mkdir(directory)
  await symlink(join(root, '1'), join(directory, 'current'))
  await until(seen, has('routes.d/current/a.yaml', '1'))
  await symlink(join(root, '2'), join(directory, '.next'))
  await rename(join(directory, '.next'), join(directory, 'current'))
  await until(seen, has('routes.d/current/a.yaml', '2'))
})

test('a file of a refused owner keeps its text, and is read when its mode is mended', async (t) => {
  const root = await temporary(t)
  const path = join(root, 'a.yaml')
  await writeFile(path, 'old', { mode: 0o644 })
  const refuse: FileSetOptions['refuse'] = ({ mode }) => ((mode & 0o022) === 0 ? undefined : { message: 'open to all' })
  const seen = follow(t, [root], { refuse })
  await until(seen, ({ files }) => files.length === 1)
  await chmod(path, 0o666)
  await writeFile(path, 'bad')
  await until(seen, (set) => set.problems.some(({ code, message }) => code === 'MSH0104' && message === 'open to all'))
  assert.equal(seen.value.at(-1)?.files[0]?.text, 'old')
  await chmod(path, 0o644)
  await until(seen, ({ files, problems }) => files[0]?.text === 'bad' && problems.length === 0)
})

test('a file that shrinks in place is held and named', async (t) => {
  const root = await temporary(t)
  const path = join(root, 'a.yaml')
  await writeFile(path, 'a long text')
  const seen = follow(t, [root])
  await until(seen, ({ files }) => files.length === 1)
  await truncate(path, 3)
  await until(seen, (set) => set.problems.some(({ code, severity }) => code === 'MSH0105' && severity === 'notice'))
  assert.equal(seen.value.at(-1)?.files[0]?.text, 'a long text')
})

test('the first set waits for a file that is being written', async (t) => {
  const root = await temporary(t)
  const path = join(root, 'a.yaml')
  await writeFile(path, 'one\n')
  const seen = follow(t, [root], { rescan: 10 })
  await writeFile(path, 'one\ntwo\n')
  await until(seen, ({ files }) => files.length === 1)
  assert.equal(seen.value[0]?.files[0]?.text, 'one\ntwo\n')
})

test('a file that never rests does not hold up the others, is told, and leaves nothing behind', async (t) => {
  const root = await temporary(t)
  await writeFile(join(root, 'a.yaml'), 'a')
  const seen = follow(t, [root], { rescan: 10 })
  for (let count = 0; seen.value.length === 0; count++) await writeFile(join(root, 'b.yaml'), `${count}`)
  const [first] = seen.value
  assert.deepEqual(
    first?.files.map(({ text }) => text),
    ['a', undefined],
  )
  assert.deepEqual(
    first?.problems.map(({ code, severity }) => `${code} ${severity}`),
    ['MSH0108 notice'],
  )
  await rm(join(root, 'b.yaml'))
  await until(seen, ({ files, problems }) => files.length === 1 && problems.length === 0)
})
