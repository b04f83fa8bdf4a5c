import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatDescription } from '../../cli/commands/describe.js'
import type { ServiceDescription } from '../../common/admin-api.js'
import type { Instance } from '../../controlplane/catalog/catalog.js'
import { REPOSITORY } from '../docs/pages.js'
import { describedFrom } from './described.js'

const PAGE = join(REPOSITORY, 'docs', 'describe.md')

const HOSTS = `
web-1: { address: 10.0.0.11, services: { web: { port: 8080 } } }
pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, version: v1 } } }
pay-2: { address: 10.0.0.13, services: { payments: { port: 9090, version: v2, health: critical } } }
`

test('the example in the documents is what the command prints', () => {
  const page = readFileSync(PAGE, 'utf8')
  const [, documents = ''] = /```yaml\n(.*?)```/s.exec(page) ?? []
  const instance = (one: Instance) => (one.health === 'critical' ? { ...one, healthDetail: 'HTTP 503' } : one)
  const told = JSON.stringify(describedFrom('payments', HOSTS, documents, { instance }))
  const description: ServiceDescription = JSON.parse(told.replaceAll('mesh.yaml', 'mesh.d/payments.yaml'))
  const mended = page.replace(/(?<=```text\n).*?(?=```)/s, () => formatDescription(description))
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(PAGE, mended)
  else assert.equal(page, mended, 'UPDATE_GOLDEN=1 writes it anew')
})
