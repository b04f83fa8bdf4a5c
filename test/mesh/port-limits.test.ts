import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meshFrom } from './inputs.js'

const HONEST = `
a-1: { address: 10.0.0.1, services: { web: { ports: { main: { port: 8080 }, admin: { port: 9090 } } } } }
b-1: { address: 10.0.0.2, services: { web: { ports: { main: { port: 8080 }, admin: { port: 9090 } } } } }
`

/** A host that runs many instances of the service, each with ports that no other has. */
function greedy(instances: number, portsOf: (at: number) => string): string {
  const list = Array.from(
    { length: instances },
    (_, at) => `{ inboundPort: ${15_100 + at}, ports: { ${portsOf(at)} } }`,
  )
  return `0-greedy: { address: 10.0.0.9, services: { web: [${list.join(', ')}] } }\n${HONEST}`
}

test('a host that names ports without end gives callers a hundred at most, and displaces none that others have', () => {
  const { mesh, problems } = meshFrom(
    greedy(10, (at) =>
      Array.from({ length: 50 }, (_, n) => `p${at}-${n}: { port: ${10_000 + 50 * at + n} }`).join(', '),
    ),
  )
  const names = [...mesh.ports.keys()]
  assert.equal(names.length, 100)
  assert.ok(names.includes('web/main') && names.includes('web/admin'))
  const told = problems.filter(({ code }) => code === 'MSH0413')
  assert.deepEqual(
    told.map(({ message }) => message),
    ['web has 502 named ports; callers are given the 100 that most hosts have'],
  )
})

test('a port that each instance has on another number is found on some of them, those of most hosts among these', () => {
  const { mesh, problems } = meshFrom(greedy(40, (at) => `main: { port: ${20_000 + at} }`))
  const { numbers = [] } = mesh.ports.get('web/main')?.named ?? {}
  assert.ok(numbers.includes(8080), String(numbers))
  assert.equal(numbers.filter((number) => number !== 80).length, 16)
  assert.equal(mesh.ports.get('web/main')?.endpoints[0]?.endpoints.length, 42)
  assert.ok(problems.some(({ code, message }) => code === 'MSH0413' && message.includes('on 41 numbers')))
})
