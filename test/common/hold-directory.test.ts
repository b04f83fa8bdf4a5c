import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DirectoryHeld, holdDirectory } from '../../common/hold-directory.js'

const HOLD = fileURLToPath(new URL('../../common/hold-directory.js', import.meta.url))

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hold-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'run')
}

/** A process that waits for a line, tries to hold the directory, says `held` or `refused`, and then does nothing. */
function contender(directory: string): ChildProcess & { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream } {
  const script = `
    import { once } from 'node:events'
    import { holdDirectory } from ${JSON.stringify(HOLD)}
    process.stdout.write('ready\\n')
    await once(process.stdin, 'data')
    const told = await holdDirectory('agent', ${JSON.stringify(directory)}).then(() => 'held', (error) => error.name)
    process.stdout.write(told + '\\n')
    if (told !== 'held') process.exit(0)
    setInterval(() => {}, 1000)`
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['pipe', 'pipe', 'inherit'] })
}

async function says({ stdout }: { stdout: NodeJS.ReadableStream }): Promise<string> {
  const [line] = (await once(stdout, 'data')) as [Buffer]
  return line.toString().trim()
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a second process that wants the same directory is refused, until the first lets go', async (t) => {
  const directory = await newDirectory(t)
  const release = await holdDirectory('agent', directory)
  await assert.rejects(holdDirectory('agent', directory), DirectoryHeld)
  release()
  ;(await holdDirectory('agent', directory))()
})

test("a process that was killed is in nobody's way", async (t) => {
  const directory = await newDirectory(t)
  const child = contender(directory)
  t.after(() => kill(child))
  assert.equal(await says(child), 'ready')
  child.stdin.write('go\n')
  assert.equal(await says(child), 'held')
  await assert.rejects(holdDirectory('agent', directory), DirectoryHeld)
  await kill(child)
  ;(await holdDirectory('agent', directory))()
})

test('of several that take over from one that was killed at the same time, one gets the directory', async (t) => {
  const directory = await newDirectory(t)
  for (let round = 0; round < 5; round++) {
    const children = Array.from({ length: 6 }, () => contender(directory))
    t.after(() => Promise.all(children.map(kill)))
    await Promise.all(children.map(says))
    const answers = children.map(says)
    for (const { stdin } of children) stdin.write('go\n')
    const told = await Promise.all(answers)
    assert.deepEqual(
      told.filter((one) => one === 'held'),
      ['held'],
      `round ${round}: ${told}`,
    )
    await Promise.all(children.map(kill))
  }
  assert.equal((await readdir(directory)).filter((name) => name.includes('.lock.')).length, 1, 'old sockets are gone')
})

test('of many in one process that take over at once, one gets the directory', async (t) => {
  const directory = await newDirectory(t)
  for (let round = 0; round < 20; round++) {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => holdDirectory('agent', directory)))
    const held = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    assert.equal(held.length, 1, `round ${round}`)
    for (const release of held) release()
  }
})

test('a directory whose path is longer than the address of a socket can be held', async (t) => {
  const directory = join(await newDirectory(t), 'd'.repeat(120))
  const release = await holdDirectory('agent', directory)
  await assert.rejects(holdDirectory('agent', directory), DirectoryHeld)
  release()
})

test('different directories, and different kinds of process, do not know of each other', async (t) => {
  const directory = await newDirectory(t)
  const releases = [
    await holdDirectory('agent', directory),
    await holdDirectory('control plane', directory),
    await holdDirectory('agent', await newDirectory(t)),
  ]
  for (const release of releases) release()
})
