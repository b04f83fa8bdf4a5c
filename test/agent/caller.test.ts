import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CallerDecision, decideCaller } from '../../agent/caller.js'
import { firstPortToBind } from '../../agent/names/low-ports.js'

type Row = readonly [string, Parameters<typeof decideCaller>, CallerDecision]

const DECISIONS: readonly Row[] = [
  ['the setting wins over everything', ['api', 'web', ['web', 'api']], { caller: 'api' }],
  ['the only service is decided for, and kept', [undefined, undefined, ['web']], { caller: 'web', decided: 'web' }],
  ['a second service changes nothing', [undefined, 'web', ['api', 'web']], { caller: 'web' }],
  [
    'a host that starts with several calls as itself',
    [undefined, undefined, ['a', 'b']],
    { caller: undefined, decided: '' },
  ],
  ['and goes on to when one of them has gone', [undefined, '', ['a']], { caller: undefined }],
  ['a host without services decides nothing yet', [undefined, undefined, []], { caller: undefined }],
]

for (const [name, given, want] of DECISIONS) test(name, () => assert.deepEqual(decideCaller(...given), want))

test('low ports can be bound with the capability, or from where the kernel lets everybody', () => {
  assert.equal(firstPortToBind('CapEff:\t0000000000000400\n', '1024\n'), 0)
  assert.equal(firstPortToBind('CapEff:\t0000000000000000\n', '1024\n'), 1024)
  assert.equal(firstPortToBind('CapEff:\t0000000000000000\n', '80\n'), 80)
  assert.equal(firstPortToBind(undefined, undefined), 1024)
})
