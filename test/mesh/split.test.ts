import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scaleWeights } from '../../controlplane/mesh/split.js'

const CASES: readonly (readonly [string, readonly (number | undefined)[], readonly number[]])[] = [
  ['whole numbers stay', [90, 10], [90, 10]],
  ['a half per cent is exact', [0.5, 99.5], [5, 995]],
  ['four decimals are exact', [0.0001, 99.9999], [1, 999_999]],
  ['sums that floats cannot say are exact', [0.1, 0.2, 99.7], [1, 2, 997]],
  ['none given are equal', [undefined, undefined, undefined], [1, 1, 1]],
  ['zero stays zero', [0, 100], [0, 100]],
]

for (const [name, weights, want] of CASES) test(name, () => assert.deepEqual(scaleWeights(weights), want))

test('a sum that Envoy would refuse is scaled down; what was above zero stays so', () => {
  const weights = scaleWeights([1_000_000, 1_000_000, 0.0001, 0])
  const sum = weights.reduce((total, weight) => total + weight, 0)
  assert.ok(sum < 2 ** 32)
  assert.equal(weights[0], weights[1])
  assert.deepEqual(weights.slice(2), [1, 0])
})
