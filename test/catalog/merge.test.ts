import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce } from '../../common/memo/steps.js'
import type { AgentRecords } from '../../controlplane/catalog/agents.js'
import { CatalogMemo, catalogSteps, type MergeInput } from '../../controlplane/catalog/merge.js'
import { parseHosts } from '../../controlplane/offline/hosts-file.js'

const HOSTS = `
web-1: { address: 10.0.0.1, services: { web: { port: 8080 }, api: { port: 8081 } } }
web-2: { address: 10.0.0.2, services: { web: { port: 8080 } } }
pay-1: { address: 10.0.0.3, services: { payments: { port: 8080 } } }
`

function agentsOf(text: string): AgentRecords {
  return parseHosts('hosts.yaml', text).agents
}

/** Merges again and again with one memo. */
function merger() {
  const memo = new CatalogMemo()
  const mayRun = () => true
  return (agents: AgentRecords, more: Partial<MergeInput> = {}) =>
    atOnce(catalogSteps({ agents, files: new Map(), mayRun, now: 0, ...more }, memo))
}

test('the same reports told again give the same catalog, and the same list of problems', () => {
  const merge = merger()
  const before = merge(agentsOf(HOSTS))
  const after = merge(agentsOf(HOSTS))
  assert.equal(after.catalog, before.catalog)
  assert.equal(after.problems, before.problems)
})

test('one instance that fails is the only object that changes', () => {
  const merge = merger()
  const before = merge(agentsOf(HOSTS)).catalog
  const after = merge(agentsOf(HOSTS.replace('api: { port: 8081 }', 'api: { port: 8081, health: critical }'))).catalog
  assert.equal(after.hosts, before.hosts)
  assert.equal(after.instances.get('web'), before.instances.get('web'))
  assert.equal(after.instances.get('payments'), before.instances.get('payments'))
  assert.deepEqual(
    [before, after].map(({ instances }) => instances.get('api')?.map(({ health }) => health)),
    [['passing'], ['critical']],
  )
})

test('rights that change without another answer change nothing', () => {
  const merge = merger()
  const before = merge(agentsOf(HOSTS))
  assert.equal(merge(agentsOf(HOSTS), { mayRun: () => true }).catalog, before.catalog)
  const without = merge(agentsOf(HOSTS), { mayRun: (_, service) => service !== 'api' })
  assert.deepEqual([...without.catalog.instances.keys()], ['payments', 'web'])
  assert.deepEqual(
    without.problems.map(({ code }) => code),
    ['MSH0401'],
  )
  assert.equal(without.catalog.instances.get('web'), before.catalog.instances.get('web'))
})
