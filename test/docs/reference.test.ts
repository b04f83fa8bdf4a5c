import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { referencePages } from '../../cli/reference-pages.js'
import { jsonSchemas } from '../../cli/schemas.js'
import { formatRowPath, schemaRows } from '../../common/config/schema-rows.js'
import { REPOSITORY } from './pages.js'

const REFERENCE = join(REPOSITORY, 'docs/reference')

test('the reference is what the schemas say now (npm run docs writes it)', () => {
  const pages = referencePages()
  assert.deepEqual(readdirSync(REFERENCE).sort(), Object.keys(pages).sort(), 'npm run docs')
  for (const [name, text] of Object.entries(pages))
    assert.equal(readFileSync(join(REFERENCE, name), 'utf8'), text, `docs/reference/${name}: npm run docs`)
})

for (const [name, schema] of Object.entries(jsonSchemas()).filter(([name]) => name !== 'document')) {
  test(`every key of ${name} says what it means`, () => {
    const rows = schemaRows(schema)
    assert.ok(rows.length > 2)
    const silent = rows.filter(({ path, description }) => description === '' && path.at(-1) !== 'kind')
    const keys = silent.map(({ path }) => formatRowPath(path))
    assert.deepEqual(
      keys,
      [],
      `${name}: say with .describe(…) what the key means, its unit, and what holds when it is absent`,
    )
  })
}
