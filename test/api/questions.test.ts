import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { AnswerSchema } from '../../common/proto/mesh/v1/mesh_pb.js'
import { LONGEST_ANSWER } from '../../common/questions.js'
import { HostQuestions } from '../../controlplane/api/questions.js'

const answer = (id: number, text: string, last = false, error = '') =>
  create(AnswerSchema, { id, part: Buffer.from(text), last, error })

test('an answer in parts is put together; parts of another question are dropped', async () => {
  const questions = new HostQuestions()
  const line = questions.open('web-1', ({ id }) => {
    line.receive(answer(id + 7, 'of another'))
    line.receive(answer(id, '{"a":'))
    line.receive(answer(id, '1}'))
    line.receive(answer(id, '', true))
  })
  assert.equal(await questions.ask('web-1', 'dump'), '{"a":1}')
  assert.equal(await questions.ask('web-1', 'stats'), '{"a":1}')
})

test('one question a host at a time; another host is not in its way', async () => {
  const questions = new HostQuestions(1000)
  const asked: number[] = []
  const slow = questions.open('web-1', ({ id }) => asked.push(id))
  const other = questions.open('web-2', ({ id }) => other.receive(answer(id, '', true)))
  const first = questions.ask('web-1', 'dump')
  await assert.rejects(questions.ask('web-1', 'dump'), { reason: 'busy' })
  assert.equal(await questions.ask('web-2', 'dump'), '')
  slow.receive(answer(asked[0] ?? 0, '', true))
  assert.equal(await first, '')
})

test('silence, the end of the session, a refusal and an endless answer end the question with their reason', async () => {
  const questions = new HostQuestions(20)
  await assert.rejects(questions.ask('web-1', 'dump'), { reason: 'not-live' })
  const line = questions.open('web-1', () => undefined)
  await assert.rejects(questions.ask('web-1', 'dump'), { reason: 'late' })
  const lost = questions.ask('web-1', 'dump')
  line.close()
  await assert.rejects(lost, { reason: 'not-live' })
  const refusing = questions.open('web-1', ({ id }) => refusing.receive(answer(id, '', true, 'Envoy does not answer')))
  await assert.rejects(questions.ask('web-1', 'dump'), { reason: 'refused', message: 'Envoy does not answer' })
  const part = 'x'.repeat(LONGEST_ANSWER / 4)
  const endless = questions.open('web-1', ({ id }) => {
    for (let count = 0; count < 5; count++) endless.receive(answer(id, part))
  })
  await assert.rejects(questions.ask('web-1', 'dump'), { reason: 'refused', message: /too large/ })
})

test('an older session of a host that ends does not close the line of the newer one', async () => {
  const questions = new HostQuestions(1000)
  const older = questions.open('web-1', () => undefined)
  const newer = questions.open('web-1', ({ id }) => newer.receive(answer(id, 'new', true)))
  older.close()
  assert.equal(await questions.ask('web-1', 'dump'), '')
})
