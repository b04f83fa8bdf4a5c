import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Memo, MemoTable } from '../../common/memo/memo.js'
import { atOnce, inSlices, type Steps } from '../../common/memo/steps.js'

interface Item {
  readonly name: string
  readonly size: { readonly of: number }
}

const item = (name: string, of = 1): Item => ({ name, size: { of } })

/** Makes a value of each item by a table that lasts, and tells which were made. */
function measurer() {
  const table = new MemoTable<{ readonly big: boolean }>()
  return (items: readonly Item[]) => {
    const made: string[] = []
    const steps = table.each(items, {
      key: ({ name }) => name,
      inputs: ({ size }) => [size],
      make: ({ name, size }) => {
        made.push(name)
        return { big: size.of > 10 }
      },
    })
    return { values: atOnce(steps), made }
  }
}

test('a value is made again only when what it is made from is another object', () => {
  const memo = new Memo<object>()
  const [a, b] = [{}, {}]
  const first = memo.get([a, b], () => ({}))
  assert.equal(
    memo.get([a, b], () => ({})),
    first,
  )
  assert.notEqual(
    memo.get([b, a], () => ({})),
    first,
  )
})

test('a table makes only the rows of items that changed or are new', () => {
  const measure = measurer()
  const [a, b] = [item('a'), item('b')]
  assert.deepEqual(measure([a, b]).made, ['a', 'b'])
  assert.deepEqual(measure([a, b]).made, [])
  assert.deepEqual(measure([item('c'), a, item('b', 20)]).made, ['c', 'b'])
})

test('the list of a table is the same object when rows are made again and come out equal', () => {
  const measure = measurer()
  const [a, b] = [item('a'), item('b')]
  const before = measure([a, b]).values
  const { values, made } = measure([a, item('b', 2)])
  assert.deepEqual(made, ['b'])
  assert.equal(values, before)
  const after = measure([a, item('b', 20)]).values
  assert.notEqual(after, before)
  assert.equal(after[0], before[0])
})

test('rows of items that are gone are forgotten, and the order of items is that of the list', () => {
  const measure = measurer()
  const [a, b] = [item('a', 20), item('b')]
  measure([a, b])
  assert.deepEqual(measure([b, a]), { values: [{ big: false }, { big: true }], made: [] })
  measure([b])
  assert.deepEqual(measure([a, b]).made, ['a'])
})

test('work in slices lets the event loop go on, and gives what it gives at once', async () => {
  function* count(to: number): Steps<number> {
    for (let step = 0; step < to; step++) yield
    return to
  }
  let turns = 0
  let running = true
  const turn = () => {
    turns++
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  assert.equal(await inSlices(count(50), 0), 50)
  running = false
  assert.ok(turns >= 50, `the event loop had ${turns} turns`)
  assert.equal(atOnce(count(50)), 50)
})
