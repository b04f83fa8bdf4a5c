import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildHostReport } from '../../agent/reports.js'
import { agentSettings } from '../../agent/settings-schema.js'
import { parseHosts } from '../../controlplane/offline/hosts-file.js'
import { MESH } from '../docs/read-example.js'

const HOSTS = `
web-1: { address: 10.0.0.11, services: { web: { port: 8080 } } }
pay-1: { address: 10.0.0.12, range: 10.80.0.0/16, dns: "10.0.0.12:53", application: 10.0.0.12, caller: ledger, services: { payments: {}, ledger: {} } }
both-1: { address: 10.0.0.13, services: { web: {}, batch: {} } }
`

test('a described host is one whose agent has no settings, where nothing else is written', () => {
  const { agents } = parseHosts('hosts.yaml', HOSTS)
  const report = buildHostReport(agentSettings.parse({}), {
    address: '10.0.0.11',
    envoyVersion: '',
    occupiedPorts: [],
    portHolders: [],
    exposed: [],
    sessionId: '',
    caller: 'web',
    namesProblem: undefined,
  })
  const facts = agents.get('web-1')?.facts
  for (const key of ['namesRange', 'namesDns', 'applicationAddress', 'namesRedirectPort', 'caller'] as const)
    assert.equal(facts?.[key], report[key], key)
  assert.deepEqual(facts?.inbound, { address: report.inboundAddress, port: report.inboundPort })
})

test('what is written of a host counts, and one with several services calls as itself', () => {
  const { agents } = parseHosts('hosts.yaml', HOSTS)
  const { namesRange, namesDns, applicationAddress, caller } = agents.get('pay-1')?.facts ?? {}
  assert.deepEqual(
    [namesRange, namesDns, applicationAddress, caller],
    ['10.80.0.0/16', '10.0.0.12:53', '10.0.0.12', 'ledger'],
  )
  assert.equal(agents.get('both-1')?.facts.caller, '')
})

test('mesh render says on standard error what it assumed, and nothing of it where settings tell', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'mesh-render-'))
  t.after(() => rm(root, { recursive: true }))
  const [hosts, settings] = [join(root, 'hosts.yaml'), join(root, 'controlplane.yaml')]
  await writeFile(hosts, HOSTS)
  await writeFile(settings, 'trustDomain: shop.example\n')
  const render = (env: object) => {
    const words = ['render', '--host', 'web-1', '--hosts', hosts, '--type', 'lds', root]
    return spawnSync(process.execPath, [MESH, ...words], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    })
  }
  await rm(settings)
  const without = render({ MESH_CONTROLPLANE_CONFIG: undefined })
  assert.match(without.stderr, /^assumed: trust domain mesh\.example, as there is no \S+controlplane\.yaml$/m)
  assert.match(
    without.stderr,
    /^assumed: names in 127\.80\.0\.0\/12, DNS at 127\.0\.0\.1:15053 and applications at 127\.0\.0\.1,/m,
  )
  assert.match(without.stdout, /127\.0\.0\.1/)
  await writeFile(settings, 'trustDomain: shop.example\n')
  assert.doesNotMatch(render({ MESH_CONTROLPLANE_CONFIG: settings }).stderr, /trust domain/)
})
