import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnusual, viewNames } from '../../controlplane/admin/views/names.js'
import type { AgentRecord } from '../../controlplane/catalog/agents.js'
import type { PipelineState } from '../../controlplane/pipeline.js'
import { meshFrom } from './inputs.js'

/** What a host is told of names whose ports are occupied there; `holders` are programs on all addresses. */
function told(occupied: readonly number[], holders: readonly (readonly [number, string])[], live = true) {
  const { mesh, catalog } = meshFrom(`
web-1:
  address: 127.0.5.1
  occupied: [${occupied}]
  services: { web: { port: 8080 } }
pay-1:
  address: 127.0.5.2
  services:
    payments: { port: 9090 }
    reports: { port: 8080 }
`)
  const facts = { namesProblem: '', portHolders: holders.map(([port, process]) => ({ port, process })) }
  const services = [{ service: 'web', ports: [{ port: 8080 }], exposedAt: [] }]
  const session = { state: live ? 'live' : 'lost', since: 0 }
  // Of both, only what the view reads.
  const record = { host: 'web-1', session, facts, services } as unknown as AgentRecord
  return viewNames(record, { mesh, catalog } as unknown as PipelineState)
}

const cases: readonly [string, readonly number[], readonly (readonly [number, string])[], readonly string[]][] = [
  ['a port that no name has is not worth a word', [22], [[22, 'sshd (1)']], []],
  [
    'a program is named where it is known',
    [9090],
    [[9090, 'nginx (8)']],
    ['payments.mesh:9090 is not found on this host: nginx (8) listens on port 9090 of all addresses'],
  ],
  [
    'and one of another user is told without',
    [9090],
    [[9090, '']],
    ['payments.mesh:9090 is not found on this host: a program listens on port 9090 of all addresses'],
  ],
  [
    'several services are one line',
    [80],
    [[80, 'nginx (8)']],
    ['payments.mesh:80 and 2 more are not found on this host: nginx (8) listens on port 80 of all addresses'],
  ],
  [
    'an own service is in the way of others, and not of itself',
    [8080],
    [],
    ['reports.mesh:8080 is not found on this host: port 8080 is that of its own web'],
  ],
  [
    'low ports that Envoy may not have',
    [80],
    [],
    ['payments.mesh:80 and 2 more are not found on this host: Envoy may not listen on ports as low as 80 there'],
  ],
]

for (const [name, occupied, holders, want] of cases) {
  test(`what is left out of names is told: ${name}`, () => {
    assert.deepEqual(
      told(occupied, holders).map(({ message }) => message),
      want,
    )
  })
}

test('low ports are told of each host and not in the status of the mesh, as they are so on every host', () => {
  assert.deepEqual(told([80], []).filter(isUnusual), [])
  assert.equal(told([80], [[80, '']]).filter(isUnusual).length, 1)
})

test('a host that is not here is told nothing of', () => assert.deepEqual(told([80], [], false), []))
