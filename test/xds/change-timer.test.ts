import { deepEqual } from 'node:assert/strict'
import { it } from 'node:test'
import { ChangeTimer } from '../../common/xds/change-timer.js'

/** A timer, with what it has told. */
function startTimer() {
  const told: (readonly [string, number])[] = []
  const observer = { pushed() {}, answered() {}, delivered: (until: string, ms: number) => void told.push([until, ms]) }
  return { timer: new ChangeTimer(observer), told }
}

const BEHIND = { acknowledged: false, refused: [] }
const UP_TO_DATE = { acknowledged: true, refused: [] }
const REFUSING = { acknowledged: false, refused: ['a'] }

it('times a change from when it was noticed to its first response, and to its acknowledgement', () => {
  const { timer, told } = startTimer()
  timer.changed(100)
  timer.settled(true, BEHIND, 130)
  timer.settled(true, BEHIND, 140)
  timer.settled(false, UP_TO_DATE, 170)
  deepEqual(told, [
    ['sent', 30],
    ['acknowledged', 70],
  ])
})

it('times changes that come while an earlier one is on its way from the earliest', () => {
  const { timer, told } = startTimer()
  timer.changed(100)
  timer.settled(true, BEHIND, 110)
  timer.changed(150)
  timer.settled(true, BEHIND, 160)
  timer.settled(false, UP_TO_DATE, 200)
  timer.changed(300)
  timer.settled(true, BEHIND, 301)
  deepEqual(told, [
    ['sent', 10],
    ['acknowledged', 100],
    ['sent', 1],
  ])
})

it('says nothing of a change that did not concern the client, nor of answers without a change', () => {
  const { timer, told } = startTimer()
  timer.changed(100)
  timer.settled(false, UP_TO_DATE, 110)
  timer.settled(true, UP_TO_DATE, 120)
  deepEqual(told, [])
})

it('waits with a change that cannot be sent yet', () => {
  const { timer, told } = startTimer()
  timer.changed(100)
  timer.settled(false, BEHIND, 110)
  timer.settled(true, BEHIND, 150)
  deepEqual(told, [['sent', 50]])
})

it('does not count how long a client goes on refusing', () => {
  const { timer, told } = startTimer()
  timer.changed(100)
  timer.settled(true, BEHIND, 110)
  timer.settled(false, REFUSING, 120)
  timer.settled(false, UP_TO_DATE, 90_000)
  deepEqual(told, [['sent', 10]])
})
