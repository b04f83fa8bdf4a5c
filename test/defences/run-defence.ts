import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Defence } from './defence.js'
import { CHANGE, type Change } from './switch-off.js'

const DIST = new URL('../../', import.meta.url)

/** No test of a defence takes longer, milliseconds. */
const LIMIT_MS = 120_000

/** What a defence's test does without the defence: it should fail, by an assertion, because of what is missing. */
export type Outcome = { readonly failed: readonly string[]; readonly report: string } | { readonly useless: string }

/**
 * Runs the tests of a defence with the defence switched off.
 *
 * @returns `failed` has the names of the tests that failed by themselves; `useless` says why the row shows nothing
 */
export async function runWithout(defence: Defence): Promise<Outcome> {
  const replacements = [defence, ...(defence.layers ?? [])]
  for (const { file, find } of replacements) {
    const count = (await readFile(new URL(file, DIST), 'utf8')).split(find).length - 1
    if (count !== 1) return { useless: `${JSON.stringify(find)} stands ${count} times in ${file}` }
  }
  const directory = await mkdtemp(join(tmpdir(), 'hostmesh-defence-'))
  try {
    const changes = replacements.map(({ file, find, replace }, index) => {
      return { url: new URL(file, DIST).href, find, replace, mark: join(directory, String(index)) }
    })
    const { report, ended } = await runTests(defence, changes)
    if (!ended) return { useless: `the test did not end within ${LIMIT_MS / 1000} s` }
    const unread = replacements.find((_, index) => !existsSync(join(directory, String(index))))
    if (unread !== undefined) return { useless: `the test does not load ${unread.file}` }
    if (/SyntaxError|ReferenceError|name: 'TypeError'/.test(report))
      return { useless: `what is left is no program:\n${report}` }
    return { failed: failedTests(report), report }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function runTests({ test, names }: Defence, changes: readonly Change[]): Promise<{ report: string; ended: boolean }> {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const patterns = names.map((name) => `--test-name-pattern=${escapeExpression(name)}`)
  const file = fileURLToPath(new URL(`test/${test}`, DIST))
  const child = spawn(process.execPath, ['--test-reporter=tap', ...patterns, file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    env: {
      ...environment,
      NODE_OPTIONS: `--import=${new URL('switch-off.js', import.meta.url).href}`,
      [CHANGE]: JSON.stringify(changes),
    },
  })
  let report = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      report += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (_code, signal) => resolve({ report, ended: signal === null }))
  })
}

/** Names of the tests of a TAP report that failed in their own code: neither cut short nor failed by a test inside. */
function failedTests(report: string): readonly string[] {
  const failures = report.matchAll(/^ *not ok \d+ - (.*)\n *---\n([\s\S]*?)\n *\.\.\.$/gm)
  return [...failures].flatMap(([, name = '', details = '']) =>
    /failureType: 'testCodeFailure'/.test(details) ? [name.replaceAll('\\#', '#')] : [],
  )
}

function escapeExpression(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
