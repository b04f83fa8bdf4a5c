import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viewTargets } from '../../controlplane/admin/views/targets.js'
import type { HostRecord } from '../../controlplane/ca/host-record.js'
import type { AgentRecord } from '../../controlplane/catalog/agents.js'
import { parseHosts } from '../../controlplane/offline/hosts-file.js'

function webHost(): AgentRecord {
  const host = parseHosts('hosts.yaml', 'web-1: { address: 10.0.0.1, services: {} }').agents.get('web-1')
  assert.ok(host !== undefined)
  return host
}

/** What Prometheus is told of one host: `job target`. */
function targetsOf(address: string, envoyMetrics: string, agentMetrics: string): readonly string[] {
  const record = webHost()
  const facts = { ...record.facts, advertised: { address, port: 15006 }, envoyMetrics, agentMetrics }
  return view({ ...record, facts }).map(({ targets, labels }) => `${labels['job']} ${targets}`)
}

function view(record: AgentRecord, enrolled: readonly HostRecord[] = []) {
  return viewTargets({ records: new Map([[record.host, record]]), enrolled }, undefined)
}

for (const [what, address, envoy, own, want] of [
  [
    'a wildcard address is that of the host',
    '10.0.0.1',
    '0.0.0.0:15090',
    '0.0.0.0:15091',
    ['mesh-envoy 10.0.0.1:15090', 'mesh-agent 10.0.0.1:15091'],
  ],
  ['so it is with IPv6', 'fd00::1', '[::]:15090', '', ['mesh-envoy [fd00::1]:15090']],
  ['nobody reaches every IPv4 address of a host by IPv6', 'fd00::1', '0.0.0.0:15090', '', []],
  [
    'loopback is left out: nobody else reaches it',
    '10.0.0.1',
    '10.0.0.1:15090',
    '127.0.0.1:15091',
    ['mesh-envoy 10.0.0.1:15090'],
  ],
  [
    'a host that is on loopback as a whole is reached there',
    '127.0.1.1',
    '127.0.1.1:15090',
    '127.0.1.1:15091',
    ['mesh-envoy 127.0.1.1:15090', 'mesh-agent 127.0.1.1:15091'],
  ],
  ['what is off is no target', '10.0.0.1', '', '', []],
  ['what is no address is no target', '10.0.0.1', 'nonsense', 'http://x/', []],
] as const) {
  test(`targets for Prometheus: ${what}`, () => assert.deepEqual(targetsOf(address, envoy, own), want))
}

test('targets carry the host, where it is, its services and its labels, and a banned host is none', () => {
  const record = webHost()
  const facts = { ...record.facts, region: 'eu', envoyMetrics: '0.0.0.0:15090', labels: { 'rack.row': 'r"7' } }
  const services = ['web', 'batch'].map((service) => ({ service }) as AgentRecord['services'][number])
  const { address } = facts.advertised
  const labels = {
    job: 'mesh-envoy',
    host: 'web-1',
    region: 'eu',
    __meta_mesh_services: ',web,batch,',
    __meta_mesh_label_rack_row: 'r"7',
  }
  assert.deepEqual(view({ ...record, facts, services }), [{ targets: [`${address}:15090`], labels }])
  const banned = { host: 'web-1', banned: { since: 0, reason: '' } } as HostRecord
  assert.deepEqual(view({ ...record, facts, services }, [banned]), [])
})
