import type { TestContext } from 'node:test'

type Undo = () => Promise<void> | void

const undone = new WeakMap<object, Undo[]>()

/**
 * Runs `undo` when the test has ended, the last one registered first: what was made first is removed last. (Hooks of
 * `t.after` run in the order in which they were registered.)
 */
export function atEnd(t: Pick<TestContext, 'after'>, undo: Undo): void {
  const known = undone.get(t)
  if (known !== undefined) {
    known.push(undo)
    return
  }
  const stack = [undo]
  undone.set(t, stack)
  t.after(async () => {
    for (const next of stack.toReversed()) await next()
  })
}
