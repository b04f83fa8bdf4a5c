import assert from 'node:assert/strict'
import { isIPv4 } from 'node:net'
import { test } from 'node:test'
import { ownAddress } from '../../common/own-address.js'
import { reachableAt } from '../../controlplane/reachable.js'
import { controlPlaneSettings } from '../../controlplane/settings-schema.js'
import { startControlPlane } from './control-plane.js'

test('tokens of a control plane that listens at all addresses carry the one that other hosts reach', async (t) => {
  const { address } = await startControlPlane(t, { listen: '0.0.0.0' })
  assert.ok(isIPv4(address.address))
  assert.equal(address.address, (await ownAddress()) ?? '127.0.0.1')
  assert.notEqual(address.port, 0)
})

test('what is to be advertised is advertised as it is written', async () => {
  const settings = controlPlaneSettings.parse({ trustDomain: 'example.mesh', advertise: ['10.0.0.10:15012'] })
  assert.deepEqual(await reachableAt(settings, { address: '0.0.0.0', port: 1 }), settings.advertise)
  const open = controlPlaneSettings.parse({ trustDomain: 'example.mesh' })
  assert.deepEqual(await reachableAt(open, { address: '10.0.0.11', port: 15012 }), [
    { address: '10.0.0.11', port: 15012 },
  ])
})
