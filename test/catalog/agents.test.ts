import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentDirectory } from '../../controlplane/catalog/agents.js'
import type { HostFacts } from '../../controlplane/catalog/report.js'

const FACTS: HostFacts = {
  advertised: { address: '127.0.0.1', port: 1 },
  inbound: { address: '127.0.0.1', port: 1 },
  region: '',
  zone: '',
  labels: {},
  agentVersion: '',
  envoyVersion: '',
  namesRange: '',
  namesDns: '',
  occupiedPorts: [],
  portHolders: [],
  namesRedirectPort: 0,
  namesProblem: '',
  caller: '',
  applicationAddress: '127.0.0.1',
  envoyMetrics: '',
  agentMetrics: '',
}

test('a host that has told only half keeps what it had', () => {
  const directory = new AgentDirectory(new Map(), () => 5)
  const first = directory.begin('a', () => undefined).reports
  first.host(FACTS)
  assert.equal(directory.records.value.size, 0)
  first.services([])
  assert.equal(directory.records.value.get('a')?.session.state, 'live')
  const kept = directory.records.value.get('a')
  directory.begin('a', () => undefined).reports.host(FACTS)
  assert.equal(directory.records.value.get('a'), kept)
})

test('of two sessions of one host the newest wins, and the end of the older changes nothing', () => {
  const directory = new AgentDirectory(new Map(), () => 5)
  let superseded = 0
  const older = directory.begin('a', () => superseded++).reports
  older.host(FACTS)
  older.services([])
  const newer = directory.begin('a', () => assert.fail('the newest is not superseded'))
  assert.equal(newer.superseded, true)
  assert.equal(superseded, 1)
  newer.reports.host({ ...FACTS, caller: 'web' })
  newer.reports.services([])
  older.host({ ...FACTS, caller: 'intruder' })
  older.end()
  older.leave()
  assert.equal(directory.records.value.get('a')?.facts.caller, 'web')
  assert.equal(directory.records.value.get('a')?.session.state, 'live')
})

test('a stream that breaks leaves the host lost, one that says farewell removes it', () => {
  const directory = new AgentDirectory(new Map(), () => 7)
  const broken = directory.begin('a', () => undefined).reports
  broken.host(FACTS)
  broken.services([])
  broken.end()
  assert.deepEqual(directory.records.value.get('a')?.session, { state: 'lost', since: 7 })
  const leaving = directory.begin('a', () => undefined).reports
  leaving.host(FACTS)
  leaving.services([])
  leaving.leave()
  leaving.end()
  assert.equal(directory.records.value.size, 0)
})
