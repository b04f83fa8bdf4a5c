import assert from 'node:assert/strict'
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ServiceFile } from '../../agent/service-file.js'
import { ServicesLoader } from '../../agent/services.js'
import { makeServedDirectories, makeSocketDirectories, removeStaleSockets } from '../../agent/upstream-sockets.js'
import { Latest, waitFor } from '../../common/latest.js'
import { createLog } from '../../common/log.js'
import { formatProblem } from '../../common/problem.js'
import type { ResourceSet } from '../../common/xds/resource.js'
import { LISTENER } from '../../common/xds/types.js'

/** A directory for sockets that does not exist yet. */
async function socketDirectory(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'sockets-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  return join(root, 'upstreams')
}

/** The service web with upstreams at these sockets, each with these further keys. */
function webWith(directory: string, sockets: Readonly<Record<string, string>>): readonly ServiceFile[] {
  const upstreams = Object.entries(sockets).map(
    ([name, more]) => `{ service: other, bind: "unix:${join(directory, 'web', name)}"${more} }`,
  )
  const text = `service: web\nport: 80\nprotocol: http\nupstreams: [${upstreams.join(', ')}]\n`
  const files = { files: [{ shown: 'web.yaml', text }], hidden: [], problems: [] }
  const { services, problems } = new ServicesLoader(new Map(), directory).load(files, 0)
  assert.deepEqual(problems, [])
  return services
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

test('a directory without a group is only for Envoy, and those above it may be passed through', async (t) => {
  const directory = await socketDirectory(t)
  assert.deepEqual(await makeSocketDirectories(directory, webWith(directory, { a: '' })), [])
  assert.deepEqual([await modeOf(join(directory, 'web')), await modeOf(directory)], ['750', '751'])
})

test('a directory that was open is closed again', async (t) => {
  const directory = await socketDirectory(t)
  await mkdir(join(directory, 'web'), { recursive: true })
  await chmod(join(directory, 'web'), 0o777)
  await makeSocketDirectories(directory, webWith(directory, { a: '' }))
  assert.equal(await modeOf(join(directory, 'web')), '750')
})

test('sockets of one service for two groups are told, since they share a directory', async (t) => {
  const directory = await socketDirectory(t)
  const services = webWith(directory, { a: '', b: ', group: nogroup' })
  const [problem, ...rest] = (await makeSocketDirectories(directory, services)).map(formatProblem)
  assert.match(
    problem ?? '',
    /^web\.yaml:1:1: upstreams: the sockets in .*\/web share the group of Envoy.*\[MSH0254\]$/,
  )
  assert.deepEqual(rest, [])
  assert.equal(await modeOf(join(directory, 'web')), '750')
})

test('a group that the user of the agent may not give is told, and the directory stays closed', async (t) => {
  if (process.getuid?.() !== 0 || process.seteuid === undefined || process.setegid === undefined)
    return t.skip('only root can become a user who may not')
  const directory = await socketDirectory(t)
  await mkdir(join(directory, 'web'), { recursive: true })
  const services = webWith(directory, { a: ', group: daemon' })
  for (const path of [join(directory, '..'), directory, join(directory, 'web')]) await giveToNobody(path)
  const groups = process.getgroups?.() ?? []
  process.setgroups?.([])
  process.setegid(65_534)
  process.seteuid(65_534)
  const problems = await makeSocketDirectories(directory, services).finally(() => {
    process.seteuid?.(0)
    process.setegid?.(0)
    process.setgroups?.(groups)
  })
  assert.match(problems.map(formatProblem).join(), /may not give a directory to the group daemon.*MSH0254/)
  assert.equal(await modeOf(join(directory, 'web')), '750')
})

async function giveToNobody(path: string): Promise<void> {
  await chown(path, 65_534, 65_534)
}

test('a directory that cannot be made is a problem and ends nothing', async (t) => {
  const directory = await socketDirectory(t)
  await writeFile(directory, 'a file is in the way')
  const [problem] = await makeSocketDirectories(directory, webWith(directory, { a: '' }))
  assert.match(problem?.message ?? '', /Envoy has no place for the sockets of web/)

  const lines = new Latest<readonly string[]>([])
  const log = createLog('info', (line) => lines.set([...lines.value, line]))
  const served: ResourceSet = new Map([
    [LISTENER, new Map([[`upstream/web/unix:${join(directory, 'web', 'a')}`, {} as never]])],
  ])
  await makeServedDirectories(directory, served, log)
  const end = new AbortController()
  const removing = removeStaleSockets(directory, new Latest<ResourceSet>(new Map()), new Latest(true), log)(end.signal)
  await waitFor(lines, (all) => all.some((line) => line.includes('cannot be removed')), AbortSignal.timeout(10_000))
  end.abort()
  await removing
  assert.ok(lines.value.some((line) => line.includes('Envoy has no place for the socket of an upstream')))
})
