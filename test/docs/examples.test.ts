import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { checkWords, meshWords } from './command-line.js'
import { parsePage, REPOSITORY, readPages } from './pages.js'
import { exampleFile, readExample } from './read-example.js'

const LANGUAGES = ['yaml', 'sh', 'text']

const PAGES = readPages()

for (const { path, blocks, prose } of PAGES) {
  test(`${path}: every code block has a language that is tested`, () => {
    for (const { language, place } of blocks) assert.ok(LANGUAGES.includes(language), `${place}: \`${language}\``)
  })

  test(`${path}: every YAML example is read by the part of the mesh that it is for`, () => {
    for (const { text, place } of blocks.filter(({ language }) => language === 'yaml')) {
      const file = exampleFile(text)
      assert.ok(file !== undefined, `${place}: the first line names no file, as in # /etc/mesh/agent.yaml`)
      assert.deepEqual(readExample(file, text), [], place)
    }
  })

  test(`${path}: every mesh command is one that exists, with its options`, () => {
    for (const { text, place } of blocks.filter(({ language }) => language === 'sh')) {
      for (const line of text.split('\n')) {
        const words = meshWords(line)
        if (words !== undefined) assert.deepEqual(checkWords(words), [], `${place}: ${line}`)
      }
    }
  })

  test(`${path}: every link leads somewhere`, () => {
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [file = '', anchor] = target.split('#')
      const found = file === '' ? path : normalize(join(dirname(path), file))
      assert.ok(existsSync(join(REPOSITORY, found)), `${path}: ${target} does not exist`)
      if (anchor !== undefined) assert.ok(anchorsOf(found).has(anchor), `${path}: ${target} names no heading`)
    }
  })
}

test('a wrong example, command or option is found', () => {
  assert.notDeepEqual(readExample('/etc/mesh/agent.yaml', 'hots: web-1\n'), [])
  assert.notDeepEqual(readExample('/etc/mesh/controlplane.yaml', 'id: cp-1\n'), [])
  assert.notDeepEqual(readExample('/etc/mesh/services.d/web.yaml', 'service: web\n'), [])
  assert.notDeepEqual(readExample('/etc/mesh/routes.d/web.yaml', 'kind: route\nservice: web\n'), [])
  assert.notDeepEqual(readExample('/etc/mesh/elsewhere.yaml', 'kind: mesh\n'), [])
  for (const line of [
    'mesh nothing',
    'mesh token',
    'mesh token nothing',
    'mesh status --nothing',
    'mesh host web-1',
    'mesh ca init now',
  ]) {
    assert.notDeepEqual(checkWords(meshWords(line) ?? []), [], line)
  }
})

function anchorsOf(path: string): ReadonlySet<string> {
  const file = join(REPOSITORY, path)
  if (!statSync(file).isFile()) return new Set()
  const { prose } = parsePage(path, readFileSync(file, 'utf8'))
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(headings.map((heading) => slugOf(heading)))
}

/** The anchor that GitHub makes of a heading. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
