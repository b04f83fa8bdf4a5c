import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MESH } from '../docs/read-example.js'

/** Files by their path below a new directory, which is gone after the test. */
function place(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const root = mkdtempSync(join(tmpdir(), 'mesh-validate-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const directory of ['mesh.d', 'routes.d', 'catalog.d', 'services.d']) mkdirSync(join(root, directory))
  for (const [path, content] of Object.entries(files)) writeFileSync(join(root, path), content)
  return root
}

function validate(root: string, ...words: readonly string[]) {
  const environment = { PATH: process.env['PATH'], MESH_AGENT_CONFIG: join(root, 'agent.yaml') }
  const settings = join(root, 'controlplane.yaml')
  const parameters = [MESH, 'validate', ...(existsSync(settings) ? ['--config', settings] : []), ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { encoding: 'utf8', env: environment })
  return { status, text: stdout.replaceAll(`${root}/`, '') + stderr.replaceAll(`${root}/`, '') }
}

const ROUTE = 'kind: route\nservice: payments\nrules: [{ split: [{ subset: v1 }] }]\n'
const SERVICE = 'kind: service\nservice: payments\nsubsets: { v1: { labels: { version: v1 } } }\n'

test('without directories it checks settings, documents and service files of this machine', (t) => {
  const root = place(t, {
    'mesh.d/a.yaml': SERVICE,
    'routes.d/a.yaml': ROUTE,
    'services.d/w.yaml': 'service: w\nport: 80\nprotocol: http\n',
  })
  assert.equal(validate(root).status, 66)
  const directories = `config: [${join(root, 'mesh.d')}, ${join(root, 'routes.d')}]\ndiscovery: { files: ${join(root, 'catalog.d')} }\n`
  writeFileSync(join(root, 'controlplane.yaml'), `trustDomain: mesh.example\n${directories}`)
  writeFileSync(join(root, 'agent.yaml'), `servicesDirectory: ${join(root, 'services.d')}\n`)
  assert.deepEqual(validate(root), { status: 0, text: 'OK: 3 files, 2 services, 1 route\n' })
  writeFileSync(join(root, 'agent.yaml'), 'envoy: { drainTime: 5 }\n')
  const { status, text } = validate(root)
  assert.equal(status, 65)
  assert.match(text, /error: agent\.yaml:1:10: envoy\.drainTime: 5 is not a duration/)
})

test('a directory called services.d, or named by --services, holds service files', (t) => {
  const root = place(t, {
    'services.d/web.yaml': 'service: web\nport: 80\nprotocl: http\n',
    'mesh.d/web.yaml': 'service: web\nport: 80\n',
  })
  for (const words of [[join(root, 'services.d')], ['--services', join(root, 'services.d')]]) {
    const { status, text } = validate(root, ...words)
    assert.equal(status, 65)
    assert.match(text, /services\.d\/web\.yaml:3:1: protocl: unknown key `protocl` \(did you mean `protocol`\?\)/)
  }
  assert.match(validate(root, join(root, 'mesh.d')).text, /mesh\.d\/web\.yaml:1:1: a service file belongs on the host/)
})

test('references between documents are judged as far as nobody has to be asked', (t) => {
  const root = place(t, {
    'mesh.d/a.yaml': SERVICE,
    'routes.d/a.yaml':
      'kind: route\nservice: payments\nrules:\n  - split:\n      - { subset: v2 }\n      - { service: paymentz }\n      - { service: elsewhere }\n',
  })
  const { status, text } = validate(root, join(root, 'mesh.d'), join(root, 'routes.d'))
  assert.equal(status, 65)
  assert.match(
    text,
    /error: routes\.d\/a\.yaml:5:11: rules\[0\]\.split\[0\]\.subset: payments has no subset v2 \(it has v1\)/,
  )
  assert.match(text, /notice: routes\.d\/a\.yaml:6:11: .*no document is about paymentz \(did you mean payments\?\)/)
  assert.doesNotMatch(text, /elsewhere/)
})

test('files that are no text, or no files, are told by their names; the others are read', (t) => {
  const good = 'kind: mesh\nauthorization: deny\n'
  const root = place(t, {
    'mesh.d/bom.yaml': `\ufeff${good}`,
    'mesh.d/empty.yaml': '',
    'mesh.d/latin.yaml': Buffer.from('kind: mesh\n# Grüße\nauthorization: deny\n', 'latin1'),
    'mesh.d/utf16-mark.yaml': Buffer.from(`\ufeff${good}`, 'utf16le'),
    'mesh.d/utf16.yaml': Buffer.from(good, 'utf16le'),
    'mesh.d/twice.yaml': good.replaceAll('\n', '\r\n'),
    'mesh.d/huge.yaml': '',
  })
  truncateSync(join(root, 'mesh.d/huge.yaml'), 200_000_000)
  mkdirSync(join(root, 'mesh.d/directory.yaml'))
  execFileSync('mkfifo', [join(root, 'mesh.d/pipe.yaml')])
  symlinkSync('/dev/zero', join(root, 'mesh.d/zero.yaml'))
  symlinkSync('nowhere', join(root, 'mesh.d/dangling.yaml'))
  symlinkSync('.', join(root, 'mesh.d/loop'))
  const { status, text } = validate(root, join(root, 'mesh.d'))
  assert.equal(status, 65)
  for (const told of [
    /notice: mesh\.d\/empty\.yaml:1:1: is empty/,
    /mesh\.d\/latin\.yaml:2:5: not UTF-8 text: the byte 0xFC stands here/,
    /mesh\.d\/utf16-mark\.yaml:1:1: not UTF-8 text: .*it is UTF-16/,
    /mesh\.d\/utf16\.yaml:1:2: U\+0000 is no character of a text \(the file is not text, is UTF-16/,
    /mesh\.d\/twice\.yaml:1:1: .*bom\.yaml:1/,
    /mesh\.d\/huge\.yaml:1:1: larger than 1 MiB/,
    /mesh\.d\/directory\.yaml:1:1: .*not a file/,
    /mesh\.d\/pipe\.yaml:1:1: .*not a file/,
    /mesh\.d\/zero\.yaml:1:1: .*not a file/,
    /mesh\.d\/dangling\.yaml:1:1: cannot be read: the file that it links to does not exist/,
    /mesh\.d\/loop:1:1: a symbolic link that leads back/,
  ])
    assert.match(text, told)
  assert.equal(text.trim().split('\n').length, 11, text)
})

test('a service file that others may write is an error, as it is for the agent of this machine', (t) => {
  const root = place(t, {
    'services.d/web.yaml': 'service: web\nport: 80\nprotocol: http\n',
    'services.d/api.yaml': 'service: api\nport: 81\nprotocol: http\n',
  })
  writeFileSync(
    join(root, 'agent.yaml'),
    `servicesDirectory: ${join(root, 'services.d')}\nstateDirectory: ${join(root, 'state')}\n`,
  )
  chmodSync(join(root, 'services.d/api.yaml'), 0o644)
  chmodSync(join(root, 'services.d/web.yaml'), 0o666)
  const { status, text } = validate(root)
  assert.equal(status, 65)
  assert.equal(
    text,
    'error: services.d/web.yaml:1:1: not read: others than its owner may write it (chmod go-w) [MSH0104]\n',
  )
  assert.equal(validate(root, join(root, 'services.d')).status, 0, 'what is checked out is not yet where it counts')
})

test('a directory without any file to check is told, and is an error where there is nothing else', (t) => {
  const root = place(t, { 'mesh.d/README.md': 'kind: mesh\n', 'routes.d/a.yaml': 'kind: mesh\n' })
  const nothing = validate(root, join(root, 'mesh.d'), '--services', join(root, 'services.d'))
  assert.equal(nothing.status, 65)
  const lines = ['mesh.d', 'services.d'].map((name) => `error: ${name}:1:1: holds no YAML file to check [MSH0122]\n`)
  assert.equal(nothing.text, lines.join(''))
  assert.deepEqual(validate(root, join(root, 'mesh.d'), join(root, 'routes.d')), {
    status: 0,
    text: 'notice: mesh.d:1:1: holds no YAML file to check [MSH0122]\nOK: 1 file, 0 services, 0 routes\n',
  })
})

test('files without a document are nothing to check either', (t) => {
  const root = place(t, { 'mesh.d/a.yaml': '', 'services.d/w.yaml': '# kind: service\n' })
  assert.deepEqual(validate(root, join(root, 'mesh.d'), join(root, 'services.d')), {
    status: 65,
    text: `error: mesh.d:1:1: holds no document to check: its files are empty [MSH0122]
error: services.d:1:1: holds no document to check: its files are empty [MSH0122]
notice: mesh.d/a.yaml:1:1: is empty [MSH0109]
`,
  })
})

test('directories that settings name must be there', (t) => {
  const root = place(t, {})
  writeFileSync(join(root, 'controlplane.yaml'), `trustDomain: mesh.example\nconfig: [${join(root, 'meshd')}]\n`)
  writeFileSync(join(root, 'agent.yaml'), `servicesDirectory: ${join(root, 'serviced')}\n`)
  const { status, text } = validate(root)
  assert.equal(status, 65)
  for (const name of ['meshd', 'serviced'])
    assert.match(text, new RegExp(`^error: ${name}:1:1: the directory does not exist .*MSH0101`, 'm'))
  writeFileSync(join(root, 'controlplane.yaml'), 'trustDomain: mesh.example\n')
  rmSync(join(root, 'agent.yaml'))
  assert.doesNotMatch(validate(root).text, /does not exist/, 'nobody named the usual ones')
})
