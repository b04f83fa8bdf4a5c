import { test } from 'node:test'
import { EnvoyLab } from '../envoy/lab.js'
import { envoyOrSkip, TEST_ENVOYS } from '../lab/envoy.js'
import { meshAsSeenBy, readCases } from './case.js'

for (const version of TEST_ENVOYS) {
  test(`Envoy ${version} acknowledges every golden resource and leaves nothing warming`, async (t) => {
    const binary = await envoyOrSkip(t, version)
    if (binary === undefined) return
    const lab = await EnvoyLab.start()
    try {
      await lab.startEnvoy(ENVOY, binary)
      for (const { name, built } of await readCases(version)) {
        await t.test(name.replaceAll('-', ' '), async () => {
          for (const host of built.mesh.hosts.keys()) await lab.serve(meshAsSeenBy(built, host, ENVOY))
        })
      }
    } finally {
      await lab.stop()
    }
  })
}

/** One long-lived Envoy takes the places of all hosts, one after the other. */
const ENVOY = 'golden'
