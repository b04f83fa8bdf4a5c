import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viewStatus } from '../../controlplane/admin/views/status.js'
import { parseHosts } from '../../controlplane/offline/hosts-file.js'
import type { PipelineState } from '../../controlplane/pipeline.js'
import { TRUST_DOMAIN } from '../mesh/inputs.js'
import { runPipeline } from './pipeline.js'

const hostsOf = (services: string) =>
  parseHosts('hosts.yaml', `pay-1: { address: 10.0.0.1, services: ${services} }`).agents
const ONE = '{ payments: { port: 9090, protocol: http } }'
const TWO = '{ payments: { port: 9090, protocol: http }, ledger: { port: 9091, protocol: http } }'

test('a build that fails is told in the status, with what was built before served on, until one succeeds', async (t) => {
  let fault: Error | undefined
  const mayRun = () => {
    if (fault !== undefined) throw fault
    return true
  }
  const { agents, until } = runPipeline(t, hostsOf(ONE), { mayRun })
  const first = await until(({ catalog }) => catalog.instances.has('payments'))
  assert.deepEqual(faultsOf(first), [])
  fault = new Error('what was read is odd')
  agents.set(hostsOf(TWO))
  const failed = await until(({ failure }) => failure !== undefined)
  assert.deepEqual([failed.publication, failed.catalog], [first.publication, first.catalog])
  assert.match(faultsOf(failed)[0] ?? '', /no change is in effect since .*what was read is odd/)
  fault = undefined
  agents.set(hostsOf(TWO))
  const mended = await until(({ catalog }) => catalog.instances.has('ledger'))
  assert.deepEqual(faultsOf(mended), [])
})

function faultsOf(state: PipelineState): readonly string[] {
  const source = {
    id: 'cp',
    state,
    records: new Map(),
    left: new Map(),
    enrolled: [],
    streams: [],
    clones: new Map(),
    quarantined: [],
  }
  const config = { readAt: 0, loadedAt: 0, documents: 0, problems: [] }
  const self = { id: 'cp', version: '0', trustDomain: TRUST_DOMAIN, domain: 'mesh', startedAt: 0, certificateExpiry: 0 }
  const { problems } = viewStatus(source, { ...self, authority: [], config })
  return problems.filter(({ code }) => code === 'MSH0507').map(({ message }) => message)
}
