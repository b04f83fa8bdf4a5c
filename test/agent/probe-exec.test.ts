import assert from 'node:assert/strict'
import { chmod, chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { createExecProbe } from '../../agent/checks/probe-exec.js'
import { checkOf, interpretService } from '../../agent/service-file.js'
import { readYaml } from '../../common/config/yaml.js'
import { runningAs } from '../e2e/process-table.js'
import { until } from '../e2e/until.js'

/** Long enough for a program to start on a busy machine. */
const PATIENT_MS = 20_000

let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'exec-check-'))
})

after(() => rm(directory, { recursive: true, force: true }))

async function program(name: string, text: string, mode = 0o755): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

function run(t: TestContext, command: readonly string[], timeout = PATIENT_MS) {
  return createExecProbe({ kind: 'exec', command, environment: { PATH: '/usr/bin:/bin' } }, timeout)(t.signal)
}

/** The open descriptors of this process, without those that come and go with asking. */
async function descriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length
}

/** Children of this process that have ended and that nobody has waited for, or that still run. */
async function children(): Promise<string> {
  return (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim()
}

test('a program that exits with 0 passes', async (t) => {
  const path = await program('well', '#!/bin/sh\necho all is well')
  assert.deepEqual(await run(t, [path]), { passed: true, detail: `${path}: exited with 0: all is well` })
})

test('a program that exits with anything else fails, with what it printed', async (t) => {
  const path = await program('ill', '#!/bin/sh\necho disk full >&2; exit 3')
  assert.deepEqual(await run(t, [path]), { passed: false, detail: `${path}: exited with 3: disk full` })
})

test('arguments reach the program as they are: no shell reads them', async (t) => {
  const path = await program('echo', '#!/bin/sh\nprintf "%s|" "$@"')
  const { detail } = await run(t, [path, '$(id)', '; exit 1', '*', ''])
  assert.equal(detail, `${path}: exited with 0: $(id)|; exit 1|*||`)
})

test('a program learns of the environment a few harmless names', async (t) => {
  const path = await program('environment', '#!/bin/sh\nenv')
  const [document] = readYaml('web.yaml', `service: web\nport: 80\ncheck: { exec: [${path}] }`).documents
  const service = document && interpretService(document).document?.value
  assert.ok(service !== undefined)
  const secrets = { NOTIFY_SOCKET: '/run/systemd/notify', MESH_TOKEN: 'secret', CREDENTIALS_DIRECTORY: '/run/c' }
  const { check } = checkOf(service, { PATH: '/usr/bin:/bin', TZ: 'UTC', ...secrets })
  assert.ok(check?.what.kind === 'exec')
  const { detail } = await createExecProbe(check.what, PATIENT_MS)(t.signal)
  assert.match(detail, /TZ=UTC/)
  assert.doesNotMatch(detail, /NOTIFY|secret|CREDENTIALS/)
})

test('control characters of the output are escaped', async (t) => {
  const path = await program(
    'escape',
    String.raw`#!/bin/sh
printf 'a\033[31mred\nb\tc\342\200\256d'; exit 1`,
  )
  assert.equal((await run(t, [path])).detail, String.raw`${path}: exited with 1: a\u{1b}[31mred\nb\tc\u{202e}d`)
})

test('of 10 MB of output the end is kept, and the program does not wait for a reader', async (t) => {
  const path = await program('loud', '#!/bin/sh\nhead -c 10000000 /dev/zero | tr "\\0" x; echo; echo the end')
  const { passed, detail } = await run(t, [path])
  assert.equal(passed, true)
  assert.match(detail, /: …x+\\nthe end$/)
  assert.ok(detail.length < path.length + 400)
})

test('a program that hangs is killed at the timeout, with all that it started', async (t) => {
  const path = await program('hang', '#!/bin/sh\necho begun\nsleep 987601 &\nsleep 987601')
  const { passed, detail } = await run(t, [path], 1000)
  assert.deepEqual([passed, detail.startsWith(`${path}: no end within 1 s, killed`)], [false, true], detail)
  await until('its children to be gone', async () => (await runningAs('sleep', '987601')).length === 0)
})

test('a program that ignores SIGTERM is killed all the same', async (t) => {
  const path = await program('stubborn', '#!/bin/sh\ntrap "" TERM INT HUP\nwhile :; do sleep 0.1; done')
  assert.match((await run(t, [path], 1000)).detail, /no end within 1 s, killed$/)
  await until('no child', async () => (await children()) === '')
})

test('a child that outlives the program and holds its output does not hold up the result, and is ended', async (t) => {
  const path = await program('fork', '#!/bin/sh\nsleep 987602 &\necho done')
  assert.deepEqual(await run(t, [path]), { passed: true, detail: `${path}: exited with 0: done` })
  await until('the child to be gone', async () => (await runningAs('sleep', '987602')).length === 0)
})

test('a child that left the group and holds the output does not hold up the result either', async (t) => {
  const path = await program('leave', '#!/bin/sh\nsetsid sleep 987604 &\necho done')
  assert.deepEqual(await run(t, [path]), { passed: true, detail: `${path}: exited with 0: done` })
  for (const pid of await runningAs('sleep', '987604')) process.kill(pid)
})

test('a program that is killed fails by the name of the signal', async (t) => {
  const path = await program('killed', '#!/bin/sh\nkill -9 $$')
  assert.deepEqual(await run(t, [path]), { passed: false, detail: `${path}: ended by SIGKILL` })
})

test('a program that does not exist is named', async (t) => {
  const path = join(directory, 'missing')
  assert.deepEqual(await run(t, [path]), { passed: false, detail: `${path}: no such program` })
})

test('a program whose interpreter does not exist is told from one that is missing', async (t) => {
  const path = await program('interpreter', '#!/no/such/interpreter\n')
  assert.match((await run(t, [path])).detail, /the interpreter in its first line does not exist$/)
})

test('a program that is not executable, or is a directory, fails', async (t) => {
  const path = await program('plain', 'text', 0o644)
  assert.match((await run(t, [path])).detail, /the user of the agent may not execute it$/)
  assert.match((await run(t, [directory])).detail, /not run: it is not a file$/)
})

test('a program that others may write, or that belongs to somebody else, is not run', async (t) => {
  const witness = join(directory, 'witness')
  const path = await program('writable', `#!/bin/sh\ntouch ${witness}`, 0o777)
  assert.match((await run(t, [path])).detail, /not run: others than its owner may write it \(chmod go-w\)$/)
  if (process.getuid?.() === 0) {
    await chmod(path, 0o755)
    await chown(path, 65534, 65534)
    assert.match((await run(t, [path])).detail, /not run: it belongs to user 65534, neither to root nor/)
  }
  assert.ok(!(await readdir(directory)).includes('witness'))
})

test('an agent that stops does not leave the program running', async () => {
  const path = await program('long', '#!/bin/sh\nexec sleep 987603')
  const controller = new AbortController()
  const probe = createExecProbe({ kind: 'exec', command: [path], environment: {} }, PATIENT_MS)
  const result = probe(controller.signal)
  await until('the program to run', async () => (await runningAs('sleep', '987603')).length === 1)
  controller.abort()
  assert.equal((await result).passed, false)
  assert.deepEqual(await runningAs('sleep', '987603'), [])
})

test('100 runs leave neither a zombie nor an open descriptor', async (t) => {
  const path = await program('short', '#!/bin/sh\necho x; exit 1')
  const probe = createExecProbe({ kind: 'exec', command: [path], environment: {} }, PATIENT_MS)
  await probe(t.signal)
  const before = await descriptors()
  for (let times = 0; times < 100; times++) assert.equal((await probe(t.signal)).passed, false)
  await until('no more descriptors than before', async () => (await descriptors()) <= before)
  assert.equal(await children(), '')
})
