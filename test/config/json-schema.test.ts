import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { jsonSchemas } from '../../cli/schemas.js'
import { readYaml } from '../../common/config/yaml.js'
import { REPOSITORY, readPages } from '../docs/pages.js'
import { exampleFile } from '../docs/read-example.js'

const SCHEMAS = jsonSchemas()
const ajv = new Ajv({ strict: false, allErrors: false })
const validators = new Map(Object.entries(SCHEMAS).map(([name, schema]) => [name, ajv.compile(schema)]))

/** What the independent validator says of each document of a text; empty: all are valid. */
function refusals(schema: string, text: string): readonly string[] {
  const validator = validators.get(schema)
  assert.ok(validator !== undefined, `there is no schema ${schema}`)
  const { documents, problems } = readYaml('text', text)
  assert.deepEqual(problems, [])
  return documents.flatMap(({ value }) => (validator(value) ? [] : [ajv.errorsText(validator.errors)]))
}

function yamlBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(directory, name))
}

test('every example names a schema that is there after a build, and is valid by it', () => {
  const files = yamlBelow(join(REPOSITORY, 'examples')).filter((file) => /\/[a-z]+\.d\/[^/]+$/.test(file))
  assert.ok(files.length > 5)
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const [, target = ''] = /^# yaml-language-server: \$schema=(\S+\.json)\n/.exec(text) ?? []
    const schema = resolve(dirname(file), target)
    assert.ok(target !== '' && existsSync(schema), `${file}: ${target === '' ? 'names no schema' : target}`)
    const name = schema.slice(schema.lastIndexOf('/') + 1, -'.json'.length)
    assert.deepEqual(JSON.parse(readFileSync(schema, 'utf8')), JSON.parse(JSON.stringify(SCHEMAS[name])), schema)
    assert.deepEqual(refusals(name, text), [], file)
  }
})

/** The schema of a file by its place. */
function schemaOf(file: string): string {
  if (file.endsWith('/agent.yaml')) return 'agent'
  if (file.endsWith('/controlplane.yaml')) return 'controlplane'
  return file.includes('/services.d/') ? 'service-file' : 'document'
}

test('every YAML example of the documents is valid by its schema', () => {
  const blocks = readPages().flatMap((page) => page.blocks.filter(({ language }) => language === 'yaml'))
  assert.ok(blocks.length > 5)
  for (const { text, place } of blocks) assert.deepEqual(refusals(schemaOf(exampleFile(text) ?? ''), text), [], place)
})

test('every document of the golden cases is valid by its schema', () => {
  const files = yamlBelow(join(REPOSITORY, 'test/golden/cases')).filter((file) => file.endsWith('/mesh.yaml'))
  assert.ok(files.length > 10)
  for (const file of files) assert.deepEqual(refusals('document', readFileSync(file, 'utf8')), [], file)
})

test('a schema for one kind and the schema for any kind say the same', () => {
  const route = 'kind: route\nservice: a\nrules: [{ timeout: 2s }]\n'
  const wrong = 'kind: route\nservice: a\nrules: [{ timeout: 2 }]\n'
  for (const schema of ['route', 'document']) {
    assert.deepEqual(refusals(schema, route), [])
    assert.equal(refusals(schema, wrong).length, 1)
  }
  assert.equal(refusals('document', 'kind: banana\n').length, 1)
  assert.equal(refusals('document', 'service: a\n').length, 1)
})
