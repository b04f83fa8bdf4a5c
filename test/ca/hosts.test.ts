import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { writeFileAtomically } from '../../common/files.js'
import { hostsState } from '../../controlplane/ca/host-record.js'
import { HostError, type HostReason, HostRegistry } from '../../controlplane/ca/hosts.js'
import { StateFile, StateFileError } from '../../controlplane/state-file.js'
import { keepingLog, NOW, temporaryDirectory } from './fixtures.js'

const ENROLMENT = { host: 'web-1', services: ['web', 'cache-*'], keyHash: 'k1', now: NOW }

async function open(t: TestContext, path?: string, write?: typeof writeFileAtomically) {
  const at = path ?? join(await temporaryDirectory(t), 'hosts.json')
  const { log, lines } = keepingLog()
  const hosts = new HostRegistry(await StateFile.open(at, hostsState, { hosts: [] }, write), log)
  return { hosts, lines, path: at }
}

function refusedFor(reason: HostReason) {
  return (error: unknown) => error instanceof HostError && error.reason === reason && error.message.includes(error.host)
}

const certificate = (serial: string, notAfter: number) => ({
  serial,
  identity: 'spiffe://mesh.example/host/web-1',
  notAfter,
})

test('a host that joined may run what its token granted and nothing else', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  assert.equal(hosts.isMember('web-1'), true)
  for (const service of ['web', 'cache-1', 'cache-']) assert.equal(hosts.allowsService('web-1', service), true, service)
  for (const service of ['db', 'web2', 'we', 'cache', ''])
    assert.equal(hosts.allowsService('web-1', service), false, service)
  for (const host of ['web-2', 'constructor', '__proto__', '']) {
    assert.equal(hosts.allowsService(host, 'web'), false, host)
    assert.equal(hosts.isMember(host), false, host)
    assert.equal(hosts.isBanned(host), false, host)
  }
})

test('a host whose answer was lost may join again with the same key, and nobody else by its name', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  await hosts.enrol({ ...ENROLMENT, services: ['db'], now: NOW + 1 })
  assert.equal(hosts.allowsService('web-1', 'db'), false)
  await assert.rejects(hosts.enrol({ ...ENROLMENT, keyHash: 'k2' }), refusedFor('already-enrolled'))
  assert.equal(hosts.list()[0]?.keyHash, 'k1')
})

test('of two that join at once by one name, one is refused', async (t) => {
  const { hosts } = await open(t)
  const results = await Promise.allSettled([hosts.enrol(ENROLMENT), hosts.enrol({ ...ENROLMENT, keyHash: 'k2' })])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
})

test('a banned host runs nothing, gets nothing and cannot join, until it is evicted', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  await hosts.ban('web-1', 'stolen', NOW)
  assert.equal(hosts.isBanned('web-1'), true)
  assert.equal(hosts.isMember('web-1'), false)
  assert.equal(hosts.allowsService('web-1', 'web'), false)
  assert.deepEqual(hosts.list()[0]?.banned, { since: NOW, reason: 'stolen' })
  await assert.rejects(hosts.recordIssued('web-1', [certificate('01', NOW + 1)], NOW), refusedFor('banned'))
  for (const keyHash of ['k1', 'k2']) await assert.rejects(hosts.enrol({ ...ENROLMENT, keyHash }), refusedFor('banned'))
  assert.equal(await hosts.evict('web-1'), true)
  assert.equal(hosts.isBanned('web-1'), false)
  await hosts.enrol({ ...ENROLMENT, keyHash: 'k2' })
  assert.equal(hosts.allowsService('web-1', 'web'), true)
})

test('certificates from before an eviction are not recognised after the host joined again', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  await hosts.recordIssued('web-1', [certificate('0a', NOW + 1_000)], NOW)
  assert.equal(hosts.recognises('web-1', '0a'), true)
  assert.equal(hosts.recognises('web-2', '0a'), false)
  await hosts.evict('web-1')
  assert.equal(hosts.recognises('web-1', '0a'), false)
  await hosts.enrol({ ...ENROLMENT, keyHash: 'k2' })
  await hosts.recordIssued('web-1', [certificate('0b', NOW + 1_000)], NOW)
  assert.equal(hosts.recognises('web-1', '0a'), false)
  assert.equal(hosts.recognises('web-1', '0b'), true)
  await hosts.ban('web-1', 'stolen', NOW)
  assert.equal(hosts.recognises('web-1', '0b'), false)
})

test('certificates of services are kept until they expire, those of the host until a later one has been used', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  const kept = () => hosts.list()[0]?.certificates.map(({ serial }) => serial)
  const web = { ...certificate('0a', NOW + 1_000), identity: 'spiffe://mesh.example/svc/web' }
  await hosts.recordIssued('web-1', [certificate('01', NOW + 1_000), web, certificate('02', NOW + 5_000)], NOW)
  await hosts.recordIssued('web-1', [certificate('03', NOW + 9_000)], NOW + 1_000, '01')
  assert.deepEqual(kept(), ['01', '02', '03'])
  await hosts.recordIssued('web-1', [certificate('04', NOW + 9_000)], NOW + 2_000, '03')
  assert.deepEqual(kept(), ['02', '03', '04'])
  await hosts.recordIssued('web-1', [certificate('05', NOW + 9_000)], NOW + 6_000)
  assert.deepEqual(kept(), ['03', '04', '05'])
})

test('a host recovers by the certificate that it used last, and by what it may have got since', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  const [first, second, third] = ['01', '02', '03'].map((serial) => certificate(serial, NOW + 1_000))
  for (const [issued, by] of [
    [first, undefined],
    [second, '01'],
    [third, '02'],
  ] as const) {
    await hosts.recordIssued('web-1', issued === undefined ? [] : [issued], NOW, by)
  }
  const recoverable = () => ['01', '02', '03', '04'].filter((serial) => hosts.recoverableUntil('web-1', serial))
  assert.deepEqual(recoverable(), ['02', '03'])
  assert.equal(hosts.recoverableUntil('web-1', '02'), NOW + 1_000)
  assert.equal(hosts.recoverableUntil('web-2', '02'), undefined)
  await hosts.ban('web-1', 'stolen', NOW)
  assert.deepEqual(recoverable(), [])
})

test('what is issued to a host that joined at another control plane is recorded as its only trace', async (t) => {
  const { hosts } = await open(t)
  await hosts.recordIssued('web-1', [certificate('01', NOW + 1)], NOW)
  assert.equal(hosts.recognises('web-1', '01'), true)
  assert.equal(hosts.allowsService('web-1', 'web'), false)
  await assert.rejects(hosts.enrol(ENROLMENT), refusedFor('already-enrolled'))
})

test('a host that never joined here can be banned, evicted and admitted', async (t) => {
  const { hosts } = await open(t)
  assert.equal(await hosts.ban('web-1', 'stolen', NOW), false)
  assert.deepEqual([hosts.isBanned('web-1'), hosts.isKeptOut('web-1')], [true, true])
  assert.equal(await hosts.evict('web-1', NOW), true)
  assert.deepEqual([hosts.isBanned('web-1'), hosts.isKeptOut('web-1')], [false, true])
  await assert.rejects(hosts.recordIssued('web-1', [certificate('01', NOW + 1)], NOW), refusedFor('evicted'))
  await hosts.admit('web-1')
  assert.equal(hosts.isKeptOut('web-1'), false)
  assert.equal(hosts.changes.value.get('web-1')?.enrolledAt, NOW)
  await assert.rejects(hosts.admit('web-2'), refusedFor('not-enrolled'))
  assert.equal(await hosts.evict('web-2', NOW), false)
})

test('a host that was evicted and then admitted joins by a new token, as one does that was never known', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  await hosts.evict('web-1', NOW)
  await hosts.admit('web-1')
  await hosts.enrol({ ...ENROLMENT, keyHash: 'another key' })
  assert.equal(hosts.isMember('web-1'), true)
  assert.equal(hosts.changes.value.get('web-1')?.joined, undefined)
})

test('a ban that is lifted leaves a host that joined here as it was', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  await hosts.recordIssued('web-1', [certificate('01', NOW + 1)], NOW)
  const before = hosts.list()
  await hosts.ban('web-1', 'a mistake', NOW)
  await hosts.admit('web-1')
  assert.deepEqual(hosts.list(), before)
})

test('all of it is there after a restart', async (t) => {
  const { hosts, path } = await open(t)
  await hosts.enrol({ ...ENROLMENT, host: 'web-2' })
  await hosts.enrol(ENROLMENT)
  await hosts.recordIssued('web-1', [certificate('01', NOW + 1_000)], NOW)
  await hosts.ban('web-2', 'stolen', NOW)
  const restarted = (await open(t, path)).hosts
  assert.deepEqual(restarted.list(), hosts.list())
  assert.deepEqual(
    restarted.list().map(({ host }) => host),
    ['web-1', 'web-2'],
  )
  assert.equal(restarted.isBanned('web-2'), true)
  assert.equal(restarted.recognises('web-1', '01'), true)
})

test('a ban is seen by who subscribed, and by who asks, as soon as it is recorded', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  const seen: (boolean | undefined)[] = []
  const unsubscribe = hosts.changes.subscribe(() => seen.push(hosts.changes.value.get('web-1')?.banned !== undefined))
  await hosts.ban('web-1', 'stolen', NOW)
  unsubscribe()
  assert.deepEqual(seen, [true])
})

test('who watches what hosts may do is not told of certificates', async (t) => {
  const { hosts } = await open(t)
  await hosts.enrol(ENROLMENT)
  let told = 0
  const unsubscribe = hosts.rights.subscribe(() => told++)
  await hosts.recordIssued(
    'web-1',
    [{ serial: '01', identity: 'spiffe://mesh.test/host/web-1', notAfter: NOW + 1 }],
    NOW,
  )
  await hosts.recordIssued('elsewhere-1', [], NOW)
  assert.equal(told, 0)
  assert.equal(hosts.recognises('web-1', '01'), true)
  await hosts.ban('web-1', 'stolen', NOW)
  await hosts.evict('web-1', NOW)
  await hosts.admit('web-1')
  await hosts.enrol({ ...ENROLMENT, host: 'web-2' })
  unsubscribe()
  assert.equal(told, 4)
})

test('what the disk refuses does not take effect', async (t) => {
  let full = false
  const { hosts } = await open(t, undefined, (...args) =>
    full ? Promise.reject(new Error('ENOSPC')) : writeFileAtomically(...args),
  )
  await hosts.enrol(ENROLMENT)
  full = true
  await assert.rejects(hosts.ban('web-1', 'stolen', NOW), StateFileError)
  await assert.rejects(hosts.enrol({ ...ENROLMENT, host: 'web-2' }), StateFileError)
  assert.equal(hosts.isBanned('web-1'), false)
  assert.equal(hosts.isMember('web-2'), false)
})

test('each change leaves one line of audit, and a repetition none', async (t) => {
  const { hosts, lines } = await open(t)
  await hosts.enrol(ENROLMENT)
  await hosts.enrol(ENROLMENT)
  await hosts.ban('web-1', 'stolen', NOW)
  await hosts.evict('web-1')
  await hosts.evict('web-1')
  const common = { level: 'info', message: 'identity change', audit: true, host: 'web-1' }
  assert.deepEqual(lines, [
    { ...common, change: 'host enrolled', services: ['web', 'cache-*'] },
    { ...common, change: 'host banned', reason: 'stolen' },
    { ...common, change: 'host evicted' },
  ])
})
