/** A document that was in effect. */
export interface Earlier {
  readonly identity: string
  readonly text: string
}

/** A document as it stands in the file now. */
export interface Present {
  /** Undefined where not even that can be told. */
  readonly identity: string | undefined
  readonly text: string
  readonly valid: boolean
}

/** How alike two texts must be, of 1, to be taken for versions of one document when their identities do not tell. */
const ALIKE = 0.5

/** More earlier documents than these are not compared letter by letter. */
const MOST_COMPARED = 64

/**
 * Finds for each document of a file the one of the earlier version that it continues; each continues at most one.
 *
 * Equal texts come first, then equal identities, then for invalid documents the most similar one that is left: a typo
 * in `kind` must not end the document that it was made in. Documents that add up share an identity, so there the most
 * similar one is taken as well.
 */
export function claimEarlier<E extends Earlier>(
  earlier: readonly E[],
  present: readonly Present[],
): ReadonlyMap<number, E> {
  const claims = new Map<number, E>()
  const left = new Unclaimed(earlier)
  const claim = (index: number, one: E | undefined) => {
    if (one !== undefined && left.take(one)) claims.set(index, one)
  }
  const byText = new Map(earlier.map((one) => [`${one.identity}\n${one.text}`, one]))
  for (const [index, { identity, text, valid }] of present.entries()) {
    if (valid) claim(index, byText.get(`${identity}\n${text}`))
  }
  // Where several share an identity, those that need their earlier version choose first; else those that replace it.
  const rank = ({ identity, valid }: Present) => (valid ? 1 : left.of(identity).size > 1 ? 0 : 2)
  const order = [...present.entries()].map((entry) => ({ entry, rank: rank(entry[1]) })).sort((a, b) => a.rank - b.rank)
  for (const { entry } of order) {
    const [index, { identity, text }] = entry
    if (!claims.has(index)) claim(index, mostSimilar(text, left.of(identity), 0))
  }
  for (const [index, { text, valid }] of present.entries()) {
    if (!valid && !claims.has(index)) claim(index, mostSimilar(text, left.all, ALIKE))
  }
  return claims
}

/** Earlier documents that no present one continues yet. */
class Unclaimed<E extends Earlier> {
  readonly all: Set<E>
  readonly #byIdentity = new Map<string, Set<E>>()

  constructor(earlier: readonly E[]) {
    this.all = new Set(earlier)
    for (const one of earlier) {
      const group = this.#byIdentity.get(one.identity)
      if (group === undefined) this.#byIdentity.set(one.identity, new Set([one]))
      else group.add(one)
    }
  }

  of(identity: string | undefined): ReadonlySet<E> {
    return this.#byIdentity.get(identity ?? '') ?? new Set()
  }

  take(one: E): boolean {
    this.#byIdentity.get(one.identity)?.delete(one)
    return this.all.delete(one)
  }
}

function mostSimilar<E extends Earlier>(text: string, candidates: ReadonlySet<E>, least: number): E | undefined {
  let best: E | undefined
  let most = least
  let compared = 0
  for (const candidate of candidates) {
    if (++compared > MOST_COMPARED) break
    const similarity = similarityOf(text, candidate.text)
    if (similarity < most || (best !== undefined && similarity === most)) continue
    best = candidate
    most = similarity
  }
  return best
}

/** The share of the longer text that both have in common at their starts and ends, 0 to 1. */
function similarityOf(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let start = 0
  while (start < shorter && a[start] === b[start]) start++
  let end = 0
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  return (start + end) / Math.max(a.length, b.length, 1)
}
