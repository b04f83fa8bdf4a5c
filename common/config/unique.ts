import type { GoodDocument, LastGood } from './last-good.js'
import type { Located } from './located.js'

/** A document that could take effect. */
export interface Candidate<T> {
  /** Shown name. */
  readonly file: string
  readonly good: GoodDocument
  readonly document: Located<T>
}

/**
 * Chooses which documents are in effect where several are about the same: the one that was in effect before, else the
 * first.
 *
 * @param candidates in the order of files and lines; so are the chosen ones
 */
export function chooseUnique<T>(
  candidates: readonly Candidate<T>[],
  addsUp: (identity: string) => boolean,
  before: LastGood,
): {
  readonly chosen: readonly Candidate<T>[]
  readonly refused: readonly { readonly one: Candidate<T>; readonly kept: Candidate<T> }[]
} {
  const kept = new Map<string, Candidate<T>>()
  const owners = ownersOf(before)
  for (const one of candidates) {
    const { identity } = one.good
    const rival = kept.get(identity)
    if (rival === undefined || right(one, owners.get(identity)) > right(rival, owners.get(identity)))
      kept.set(identity, one)
  }
  const refused = candidates.flatMap((one) => {
    const other = kept.get(one.good.identity)
    return other === undefined || other === one || addsUp(one.good.identity) ? [] : [{ one, kept: other }]
  })
  const losers = new Set(refused.map(({ one }) => one))
  return { chosen: candidates.filter((one) => !losers.has(one)), refused }
}

interface Owner {
  readonly file: string
  readonly text: string
}

function ownersOf(before: LastGood): ReadonlyMap<string, Owner> {
  return new Map(
    [...before].flatMap(([file, documents]) =>
      documents.map(({ identity, text }) => [identity, { file, text }] as const),
    ),
  )
}

/** How much a document continues the one that was in effect. */
function right<T>({ file, good }: Candidate<T>, owner: Owner | undefined): number {
  if (file !== owner?.file) return 0
  return good.text === owner.text ? 2 : 1
}
