/**
 * Runs every test file of the built tree with Node's own runner: those that need real Envoys one after the other, so
 * that two cores are enough, the others together. Prints what was skipped, with its reason, at the end.
 */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { findTestEnvoy } from './lab/envoy.js'
import { prepareTools } from './lab/tools.js'

const ROOT = fileURLToPath(new URL('.', import.meta.url))

/** Folders whose tests start Envoys or whole meshes, or run other tests. */
const ONE_BY_ONE = /^(?:e2e|envoy|golden|agent|defences)\//

function testFiles(): readonly string[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .sort()
}

interface Outcome {
  passed: number
  failed: number
  readonly skipped: string[]
}

async function runFiles(files: readonly string[], concurrency: number, outcome: Outcome): Promise<void> {
  if (files.length === 0) return
  const stream = run({ files: files.map((name) => join(ROOT, name)), concurrency, timeout: 600_000 })
  stream.on('test:pass', ({ name, skip, details }) => {
    if (details.type === 'suite') return
    if (skip === undefined) outcome.passed++
    else outcome.skipped.push(`${name}${typeof skip === 'string' ? `: ${skip}` : ''}`)
  })
  stream.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') outcome.failed++
  })
  stream.compose(new spec()).pipe(process.stdout, { end: false })
  await new Promise((resolve) => stream.on('end', resolve))
}

/** Fetches the Envoy of the tests before any of them starts, so that none waits for a download. */
async function prepareEnvoy(): Promise<void> {
  try {
    process.env['MESH_ENVOY_PATH'] = await findTestEnvoy()
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    console.error(`tests with a real Envoy are skipped: ${(error as Error).message}`)
  }
}

await prepareEnvoy()
const wanted = process.argv.slice(2)
if (wanted.length === 0) await prepareTools()
const files = testFiles().filter(
  (name) => wanted.length === 0 || wanted.some((part) => relative('.', name).includes(part)),
)
const outcome: Outcome = { passed: 0, failed: 0, skipped: [] }
await runFiles(
  files.filter((name) => !ONE_BY_ONE.test(name)),
  2,
  outcome,
)
await runFiles(
  files.filter((name) => ONE_BY_ONE.test(name)),
  1,
  outcome,
)
if (outcome.skipped.length > 0) {
  console.log(`\n${outcome.skipped.length} skipped:\n${outcome.skipped.map((line) => `  ${line}`).join('\n')}`)
}
console.log(`\n${outcome.passed} passed, ${outcome.failed} failed`)
process.exitCode = outcome.failed === 0 && outcome.passed > 0 ? 0 : 1
