import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JoinFailed } from '../../agent/identity/join.js'
import { EXIT } from '../../cli/exit.js'
import type { HostView } from '../../common/admin-api.js'
import { joinHost } from './callers.js'
import { startControlPlane } from './control-plane.js'
import { mesh } from './mesh-command.js'

test('ban, evict and admit of a name that nobody knows end with 66 and the name that was meant', async (t) => {
  const controlPlane = await startControlPlane(t)
  await joinHost(t, controlPlane, 'web-1', ['web'])
  for (const action of ['ban', 'evict', 'admit']) {
    const { code, printed } = await mesh('host', 'web-l', action, '--socket', controlPlane.socket)
    assert.equal(code, EXIT.noSuchFile, printed)
    assert.match(printed, /^mesh: this control plane has never heard of web-l; did you mean web-1\?$/m)
  }
  const hosts = await controlPlane.ask<readonly HostView[]>('GET', '/v1/hosts')
  assert.deepEqual(
    hosts.map(({ host, status }) => `${host} ${status}`),
    ['web-1 enrolled'],
  )
})

test('a host is banned before it joins where that is meant, and does not join then', async (t) => {
  const controlPlane = await startControlPlane(t)
  const banned = await mesh('host', 'web-9', 'ban', '--force', '--socket', controlPlane.socket)
  assert.equal(banned.code, EXIT.ok, banned.printed)
  await assert.rejects(joinHost(t, controlPlane, 'web-9', ['web']), (error) => {
    assert.ok(error instanceof JoinFailed)
    assert.match(error.refusal ?? '', /not accepted|banned/)
    return true
  })
  const lifted = await mesh('host', 'web-9', 'admit', '--socket', controlPlane.socket)
  assert.equal(lifted.code, EXIT.ok, lifted.printed)
  await joinHost(t, controlPlane, 'web-9', ['web'])
})

test('where another socket was named, token and status say which control plane answered', async (t) => {
  const { socket } = await startControlPlane(t)
  const token = await mesh('token', 'create', '--host', 'web-1', '--service', 'web', '--socket', socket)
  assert.match(token.printed, new RegExp(`^mesh: made by control plane cp-1, at ${socket}$`, 'm'))
  const status = await mesh('status', '--socket', socket)
  assert.match(status.printed, new RegExp(`^control plane cp-1 of .*, at ${socket}$`, 'm'))
})

test('ban and eviction say that calls with the certificates of the host go on until those expire', async (t) => {
  const controlPlane = await startControlPlane(t)
  await joinHost(t, controlPlane, 'web-1', ['web'])
  for (const action of ['ban', 'evict']) {
    const { printed } = await mesh('host', 'web-1', action, '--socket', controlPlane.socket)
    assert.match(printed, /calls with them, open and new, go on until then/, action)
  }
})
