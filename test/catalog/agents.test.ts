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

const claimant = (id: string, supersede: () => void = () => undefined) => ({ id, peer: '127.0.0.1:1', supersede })

function begin(directory: AgentDirectory, id: string, supersede?: () => void) {
  const reports = directory.begin('a')
  assert.equal(reports.claim(claimant(id, supersede)), true)
  return reports
}

test('a host that has told only half keeps what it had', () => {
  const directory = new AgentDirectory(new Map(), () => 5)
  const first = begin(directory, 'x')
  first.host(FACTS)
  assert.equal(directory.records.value.size, 0)
  first.services([])
  assert.equal(directory.records.value.get('a')?.session.state, 'live')
  const kept = directory.records.value.get('a')
  begin(directory, 'x').host(FACTS)
  assert.equal(directory.records.value.get('a'), kept)
})

test('of two sessions of one host the newest wins, and the end of the older changes nothing', () => {
  const directory = new AgentDirectory(new Map(), () => 5)
  let superseded = 0
  const older = begin(directory, 'x', () => superseded++)
  older.host(FACTS)
  older.services([])
  const newer = begin(directory, 'y', () => assert.fail('the newest is not superseded'))
  assert.equal(superseded, 1)
  newer.host({ ...FACTS, caller: 'web' })
  newer.services([])
  older.host({ ...FACTS, caller: 'intruder' })
  older.end()
  older.leave()
  assert.equal(directory.records.value.get('a')?.facts.caller, 'web')
  assert.equal(directory.records.value.get('a')?.session.state, 'live')
})

test('what a session says before it is known whose it is does not count', () => {
  const directory = new AgentDirectory(new Map(), () => 5)
  const reports = directory.begin('a')
  reports.host(FACTS)
  reports.services([])
  reports.leave()
  reports.end()
  assert.equal(directory.records.value.size, 0)
})

test('a stream that breaks leaves the host lost, one that says farewell removes it', () => {
  const directory = new AgentDirectory(new Map(), () => 7)
  const broken = begin(directory, 'x')
  broken.host(FACTS)
  broken.services([])
  broken.end()
  assert.deepEqual(directory.records.value.get('a')?.session, { state: 'lost', since: 7 })
  const leaving = begin(directory, 'x')
  leaving.host(FACTS)
  leaving.services([])
  leaving.leave()
  leaving.end()
  assert.equal(directory.records.value.size, 0)
})
