/**
 * Generates TypeScript for the protobuf messages that Hostmesh speaks, into `common/proto/` (never committed).
 *
 * Sources are the `.proto` files that the npm package `@grpc/grpc-js-xds` ships under `deps/` and our own
 * `common/mesh-api/`. They are staged as one tree, because Envoy's copies use the option `ignore_empty`, which the
 * validate.proto beside them is too old to know. Runs only when its inputs changed.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const output = join(root, 'common/proto')
const stage = join(root, '.build/proto-stage')
const fresh = join(root, '.build/proto-out')
const stamp = join(root, '.build/proto.stamp')

/** The files whose messages the code uses; what they import comes along. */
const ENTRY_POINTS = readFileSync(join(root, 'scripts/protos.txt'), 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))

/** Fields of supported Envoys that are newer than the package's files: by file, behind which line, and the field. */
const NEWER_FIELDS = {
  'envoy/extensions/filters/udp/dns_filter/v3/dns_filter.proto': [
    { after: 'ClientContextConfig client_config = 3;', field: 'bool case_insensitive = 5;' },
  ],
}

const deps = join(dirname(require.resolve('@grpc/grpc-js-xds/package.json')), 'deps')
const INCLUDE_DIRS = ['envoy-api', 'xds', 'protoc-gen-validate', 'googleapis'].map((name) => join(deps, name))
const OWN = join(root, 'common/mesh-api')

function findProtos(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.proto'))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
}

function fingerprint() {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', 'scripts/protos.txt', 'scripts/generate-protos.mjs']) {
    hash.update(readFileSync(join(root, file)))
  }
  for (const file of findProtos(OWN).sort()) hash.update(file).update(readFileSync(join(OWN, file)))
  return hash.digest('hex')
}

/** Copies an entry point and, recursively, what it imports into the stage. */
function stageFile(file, seen) {
  if (seen.has(file) || file.startsWith('google/protobuf/')) return
  seen.add(file)
  const from = [OWN, ...INCLUDE_DIRS].map((directory) => join(directory, file)).find((path) => existsSync(path))
  if (from === undefined) throw new Error(`${file}: no such proto file (in common/mesh-api or @grpc/grpc-js-xds)`)
  const text = addNewerFields(file, readFileSync(from, 'utf8').replaceAll(/,?\s*ignore_empty: true/g, ''))
  mkdirSync(dirname(join(stage, file)), { recursive: true })
  writeFileSync(join(stage, file), text)
  for (const [, imported] of text.matchAll(/^import (?:public |weak )?"([^"]+)";/gm)) stageFile(imported, seen)
}

function addNewerFields(file, text) {
  return (NEWER_FIELDS[file] ?? []).reduce((before, { after, field }) => {
    if (!before.includes(after)) throw new Error(`${file}: there is no line "${after}" to add ${field} behind`)
    if (before.includes(field)) throw new Error(`${file}: has ${field} itself now; remove it from NEWER_FIELDS`)
    return before.replace(after, `${after}\n  ${field}`)
  }, text)
}

function generate() {
  rmSync(stage, { recursive: true, force: true })
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(stage, { recursive: true })
  const seen = new Set()
  for (const file of ENTRY_POINTS) stageFile(file, seen)
  writeFileSync(join(stage, 'buf.yaml'), 'version: v2\n')
  const plugin = join(dirname(require.resolve('@bufbuild/protoc-gen-es/package.json')), 'bin/protoc-gen-es')
  const template = {
    version: 'v2',
    plugins: [
      { local: [process.execPath, plugin], out: fresh, opt: ['target=ts', 'import_extension=js', 'ts_nocheck=true'] },
    ],
  }
  const buf = join(dirname(require.resolve('@bufbuild/buf/package.json')), 'bin/buf')
  execFileSync(process.execPath, [buf, 'generate', stage, '--template', JSON.stringify(template)], {
    stdio: 'inherit',
    env: { ...process.env, BUF_CACHE_DIR: join(root, '.build/buf-cache') },
  })
  rmSync(output, { recursive: true, force: true })
  renameSync(fresh, output)
}

const wanted = fingerprint()
if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
  console.log('protobuf code is up to date')
} else {
  console.log(`generating protobuf code for ${ENTRY_POINTS.length} files and what they import …`)
  generate()
  writeFileSync(stamp, wanted)
}
