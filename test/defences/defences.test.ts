import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BUILDS } from './builds.js'
import { CERTIFICATES } from './certificates.js'
import { CONNECTIONS } from './connections.js'
import type { Defence } from './defence.js'
import { ENVOYS } from './envoys.js'
import { JOINING } from './joining.js'
import { LIMITS } from './limits.js'
import { LOCAL_ACCESS } from './local-access.js'
import { RECOVERY } from './recovery.js'
import { runWithout } from './run-defence.js'
import { STREAMS } from './streams.js'
import { TERMINALS } from './terminals.js'

const DEFENCES: readonly Defence[] = [
  ...JOINING,
  ...CERTIFICATES,
  ...CONNECTIONS,
  ...LIMITS,
  ...LOCAL_ACCESS,
  ...STREAMS,
  ...RECOVERY,
  ...ENVOYS,
  ...TERMINALS,
  ...BUILDS,
]

suite('switched off, a defence is missed by its test:', { concurrency: 2 }, () => {
  for (const defence of DEFENCES) test(defence.defence, () => checkMissed(defence))

  test('the runner itself tells a row that changes nothing, does not fit, or is no program', async () => {
    const [first] = JOINING
    assert.ok(first)
    const harmless = await runWithout({ ...first, replace: first.find })
    assert.deepEqual('failed' in harmless && harmless.failed, [])
    const astray = await runWithout({ ...first, find: 'no such text' })
    assert.match('useless' in astray ? astray.useless : '', /stands 0 times/)
    const broken = await runWithout({ ...first, replace: ') (' })
    assert.match('useless' in broken ? broken.useless : '', /no program/)
    const elsewhere = await runWithout({ ...first, test: 'ca/asn1.test.js' })
    assert.match('useless' in elsewhere ? elsewhere.useless : '', /does not load/)
  })
})

async function checkMissed(defence: Defence): Promise<void> {
  const outcome = await runWithout(defence)
  assert.ok('failed' in outcome, 'useless' in outcome ? outcome.useless : '')
  const { failed, report } = outcome
  const missed = failed.filter((name) => defence.names.includes(name))
  assert.ok(missed.length > 0, `no test failed without it:\n${report}`)
  assert.match(report, defence.because ?? /./)
}
