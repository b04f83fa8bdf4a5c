import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { namespaceOrSkip } from '../lab/namespace.js'

const MODULE = fileURLToPath(new URL('../../common/own-address.js', import.meta.url))

const IPV4 = 'ip addr add 10.77.0.7/32 dev lo; ip route add default dev lo src 10.77.0.7'
const IPV6 = 'ip -6 addr add fd77::7/128 dev lo nodad; ip -6 route add default dev lo src fd77::7'

for (const [name, routes, want] of [
  ['IPv4 alone', IPV4, '10.77.0.7'],
  ['IPv6 alone', IPV6, 'fd77::7'],
  ['both', `${IPV4}; ${IPV6}`, '10.77.0.7'],
  ['neither', 'true', 'undefined'],
] as const) {
  test(`the address of a host with a default route of ${name} is ${want}`, async (t) => {
    const namespace = await namespaceOrSkip(t)
    if (namespace === undefined) return
    try {
      const made = await namespace.run('sh', ['-c', `set -e; ${routes}`])
      if (made.code !== 0) return t.skip(`no such route here: ${made.output}`)
      const program = `import(process.argv[1]).then(async (m) => console.log(String(await m.ownAddress())))`
      const { output } = await namespace.run(process.execPath, ['-e', program, MODULE])
      assert.equal(output.trim(), want)
    } finally {
      await namespace.end()
    }
  })
}
