import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type InboundPorts, placeServices } from '../../agent/inbound-ports.js'
import type { ServiceFile } from '../../agent/service-file.js'

const RANGE = { first: 15100, last: 15102, taken: 15101 }

/** `payments:9090` as its file says it. */
function service(key: string): ServiceFile {
  const [name = '', port] = key.split(':')
  const ports = [{ name: 'main', port: Number(port), protocol: 'http', assumed: false }] as const
  const location = { file: `${key}.yaml`, line: 1, column: 1 }
  return { service: name, ports, labels: {}, tags: [], weight: 100, upstreams: [], check: 'none', location }
}

/** The inbound ports that the services have after one look at their files, and what is remembered. */
function place(before: InboundPorts, ...keys: readonly string[]) {
  const { ports, placed, unplaced } = placeServices(before, keys.map(service), RANGE)
  return { ports, placed: placed.map(({ inboundPort }) => inboundPort), unplaced: unplaced.length }
}

test('the first instance of each service is at the main port, each further one at a port of its own', () => {
  assert.deepEqual(place({}, 'a:1', 'b:1', 'a:2', 'b:2').placed, [0, 0, 15100, 15102])
})

test('an instance keeps its port whatever comes and goes before it', () => {
  const { ports } = place({}, 'a:1', 'a:2')
  assert.deepEqual(place(ports, 'a:0', 'a:1', 'a:2').placed, [15102, 0, 15100])
  assert.deepEqual(place(ports, 'a:2').placed, [15100])
})

test('an instance that was gone has its port again', () => {
  const first = place({}, 'a:1', 'a:2')
  const without = place(first.ports, 'a:1')
  assert.equal(without.ports, first.ports)
  assert.deepEqual(place(without.ports, 'a:1', 'a:3', 'a:2').placed, [0, 15102, 15100])
})

test('a first instance that comes back makes way for the one that took its place', () => {
  const { ports } = place(place({}, 'a:1').ports, 'a:2')
  assert.deepEqual(place(ports, 'a:1', 'a:2').placed, [0, 15100])
})

test('when all ports are given away, those of instances that are gone are given anew', () => {
  const { ports } = place({}, 'a:1', 'a:2', 'a:3')
  const { placed, unplaced } = place(ports, 'a:1', 'a:3', 'a:4')
  assert.deepEqual([placed, unplaced], [[0, 15102, 15100], 0])
})

test('an instance for which no port is left is told apart, and the others keep theirs', () => {
  const { placed, unplaced } = place({}, 'a:1', 'a:2', 'a:3', 'a:4')
  assert.deepEqual([placed, unplaced], [[0, 15100, 15102], 1])
})
