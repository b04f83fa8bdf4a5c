import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { AttackedServer, checkPrompt } from './attacked-server.js'
import { ATTACKS } from './attacks.js'

suite('the port of the control plane, while somebody attacks it', () => {
  for (const [name, { run }] of Object.entries(ATTACKS)) {
    test(`by ${name}: only the attacker is cut, and others get each change within a second`, async (t) => {
      const server = await AttackedServer.start(t)
      let over = false
      const attack = run(t, server).finally(() => {
        over = true
      })
      attack.catch(() => undefined) // awaited below
      const delays: number[] = []
      while (!over && delays.length < 2_000) delays.push(await server.change())
      await attack
      delays.push(await server.change())
      checkPrompt(...delays)
      assert.equal(server.xds.statuses().length, 1, 'the honest host alone is left')
    })
  }
})
