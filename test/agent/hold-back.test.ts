import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldBack } from '../../agent/relay/hold-back.js'
import { Latest } from '../../common/latest.js'
import type { ResourceSet } from '../../common/xds/resource.js'

const set = (version: string): ResourceSet =>
  new Map([['T', new Map([['pay', { type: 'T', name: 'pay', version, bytes: new Uint8Array() }]])]])

const refusal = (version: string) => [{ type: 'T', name: 'pay', version, error: 'bad' }]

function holdBack(first: string) {
  const upstream = new Latest(set(first))
  const hold = new HoldBack(upstream)
  return { upstream, hold, served: () => hold.served.value.get('T')?.get('pay')?.version }
}

test("a refused version is replaced by the one before it, and Envoy's text is kept", () => {
  const { upstream, hold, served } = holdBack('good')
  upstream.set(set('bad'))
  assert.equal(served(), 'bad')
  hold.observe(refusal('bad'))
  assert.equal(served(), 'good')
  hold.observe([])
  assert.deepEqual([served(), hold.refused[0]?.error], ['good', 'bad'])
})

test('a refused version never becomes what others fall back to', () => {
  const { upstream, hold, served } = holdBack('good')
  upstream.set(set('bad'))
  hold.observe(refusal('bad'))
  upstream.set(set('worse'))
  assert.deepEqual([served(), hold.refused], ['worse', []])
  hold.observe(refusal('worse'))
  assert.equal(served(), 'good')
})

test('a refusal of a version that is not the newest any more holds nothing back', () => {
  const { upstream, hold, served } = holdBack('good')
  upstream.set(set('mended'))
  hold.observe(refusal('bad'))
  assert.deepEqual([served(), hold.refused], ['mended', []])
})

test('where Envoy never took a version nothing is taken away', () => {
  const { hold, served } = holdBack('bad')
  hold.observe(refusal('bad'))
  assert.equal(served(), 'bad')
})

test('what is tried again is away for a moment and then served; a version that is not held is not touched', () => {
  const { upstream, hold, served } = holdBack('good')
  upstream.set(set('bad'))
  hold.observe(refusal('bad'))
  const seen: (string | undefined)[] = []
  hold.served.subscribe(() => seen.push(served()))
  hold.retry({ type: 'T', name: 'pay', version: 'other', error: 'bad' })
  assert.deepEqual(seen, [])
  for (const one of refusal('bad')) hold.retry(one)
  assert.deepEqual([seen, hold.refused], [[undefined, 'bad'], []])
  hold.observe(refusal('bad'))
  assert.equal(served(), 'good')
})
