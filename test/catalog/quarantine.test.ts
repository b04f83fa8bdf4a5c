import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Publication, Resource } from '../../common/xds/resource.js'
import type { AgentRecord } from '../../controlplane/catalog/agents.js'
import { Quarantine } from '../../controlplane/quarantine.js'

const resource = (version: string): Resource => ({ type: 'T', name: 'payments', version, bytes: new Uint8Array() })

const publication = (version: string): Publication => ({
  layers: new Map([['shared', new Map([['T', new Map([['payments', resource(version)]])]])]]),
  clients: new Map(),
})

const served = (one: Publication) => one.layers.get('shared')?.get('T')?.get('payments')?.version

function records(refusing: number, total: number, version: string): ReadonlyMap<string, AgentRecord> {
  const refused = [{ typeUrl: 'T', name: 'payments', version, error: 'bad' }]
  const hosts = Array.from({ length: total }, (_, index) => `host-${index}`)
  return new Map(
    hosts.map((host, index) => {
      const envoy = { refused: index < refusing ? refused : [] }
      return [host, { host, session: { state: 'live', since: 0 }, envoy } as unknown as AgentRecord]
    }),
  )
}

test('a version that three hosts refuse is given to no further host; the one before it is', () => {
  const quarantine = new Quarantine()
  quarantine.apply(publication('good'))
  assert.equal(served(quarantine.apply(publication('bad'))), 'bad')
  quarantine.observe(records(2, 9, 'bad'))
  assert.equal(served(quarantine.apply(publication('bad'))), 'bad')
  quarantine.observe(records(3, 9, 'bad'))
  assert.equal(served(quarantine.apply(publication('bad'))), 'good')
  assert.deepEqual(quarantine.changes.value.get('T/payments')?.hosts, ['host-0', 'host-1', 'host-2'])
})

test('hosts that refuse an older version, or what is theirs alone, do not keep a bad one from being stopped', () => {
  const quarantine = new Quarantine()
  quarantine.apply(publication('good'))
  quarantine.apply(publication('bad'))
  const late = records(1, 1, 'older').get('host-0')
  assert.ok(late)
  quarantine.observe(new Map([...records(3, 9, 'bad'), ['late', { ...late, host: 'late' }]]))
  assert.equal(served(quarantine.apply(publication('bad'))), 'good')
  quarantine.observe(records(9, 9, 'of a listener that each host has for itself'))
  assert.deepEqual(
    [...quarantine.changes.value.values()].map(({ version }) => version),
    ['bad'],
  )
})

test('it stays stopped although hosts that were given the older one refuse nothing any more', () => {
  const quarantine = new Quarantine()
  quarantine.apply(publication('good'))
  quarantine.apply(publication('bad'))
  quarantine.observe(records(3, 3, 'bad'))
  quarantine.observe(records(0, 3, 'bad'))
  assert.equal(served(quarantine.apply(publication('bad'))), 'good')
})

test('a new version ends it', () => {
  const quarantine = new Quarantine()
  quarantine.apply(publication('good'))
  quarantine.apply(publication('bad'))
  quarantine.observe(records(3, 3, 'bad'))
  assert.equal(served(quarantine.apply(publication('mended'))), 'mended')
  assert.equal(quarantine.changes.value.size, 0)
})
