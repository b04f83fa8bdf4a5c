import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { suite, type TestContext, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { openSession } from '../../agent/control-plane/calls.js'
import { AgentMessageSchema, AnswerSchema } from '../../common/proto/mesh/v1/mesh_pb.js'
import { MESH } from '../docs/read-example.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane } from './control-plane.js'
import { hostReport, servicesReport } from './reports.js'

/** Clears the screen, in the two ways to write it. */
const CLEAR = '\u001b[2J\u009b2J'

/** What a host puts into its answer. */
type Said = { readonly error?: string; readonly part?: Uint8Array }

/** Control characters that a terminal may obey. */
const OBEYED = /[^\P{Cc}\n\t]/u

suite('what a host says that somebody else owns never reaches a terminal as it is', () => {
  const rows: readonly (readonly [string, Said, RegExp])[] = [
    ['as the reason why it does not answer', { error: `no ${CLEAR}` }, /^mesh: no \\u001b\[2J/],
    ['as an answer that is no JSON', { part: Buffer.from(CLEAR) }, /^mesh: what host web-1 answered is no JSON$/m],
    ['inside of an answer', { part: Buffer.from(JSON.stringify({ stats: [CLEAR] })) }, /\\u001b\[2J\\u009b2J/],
  ]
  for (const [name, answer, want] of rows) {
    test(name, async (t) => {
      const controlPlane = await startControlPlane(t)
      await answerWith(t, controlPlane, answer)
      const printed = await mesh('host', 'web-1', 'dump', '--socket', controlPlane.socket)
      assert.match(printed, want)
      assert.doesNotMatch(printed, OBEYED)
    })
  }
})

/** A live host that answers each question in this way. */
async function answerWith(t: TestContext, controlPlane: TestControlPlane, answer: Said): Promise<void> {
  const stream = openSession(connectAs(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web'])))
  stream.on('error', () => undefined)
  stream.on('data', ({ message }) => {
    if (message.case !== 'question') return
    const { id } = message.value
    for (const said of [answer, { last: true }]) {
      const value = create(AnswerSchema, { id, ...said })
      stream.write(create(AgentMessageSchema, { message: { case: 'answer', value } }))
    }
  })
  stream.write(hostReport())
  stream.write(servicesReport('web'))
  await eventually(async () => assert.match(JSON.stringify(await controlPlane.ask('GET', '/v1/hosts')), /"live"/))
}

/** All that the command prints. */
function mesh(...words: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MESH, ...words], (_, stdout, stderr) => resolve(`${stdout}${stderr}`))
  })
}
