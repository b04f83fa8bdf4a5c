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
export function claimEarlier<E extends Earlier>(earlier: readonly E[], present: readonly Present[]): ReadonlyMap<number, E> {
  const claims = new Map<number, E>()
  const left = new Set(earlier)
  const claim = (index: number, one: E | undefined) => {
    if (one === undefined) return
    claims.set(index, one)
    left.delete(one)
  }
  const byText = new Map(earlier.map((one) => [`${one.identity}\n${one.text}`, one]))
  for (const [index, { identity, text, valid }] of present.entries()) {
    const same = valid ? byText.get(`${identity}\n${text}`) : undefined
    if (same !== undefined && left.has(same)) claim(index, same)
  }
  const byIdentity = Map.groupBy(left, ({ identity }) => identity)
  for (const [index, { identity, text }] of present.entries()) {
    if (claims.has(index) || identity === undefined) continue
    claim(index, mostSimilar(text, byIdentity.get(identity)?.filter((one) => left.has(one)) ?? [], 0))
  }
  for (const [index, { text, valid }] of present.entries()) {
    if (!claims.has(index) && !valid) claim(index, mostSimilar(text, [...left], ALIKE))
  }
  return claims
}

function mostSimilar<E extends Earlier>(text: string, candidates: readonly E[], least: number): E | undefined {
  let best: E | undefined
  let most = least
  for (const candidate of candidates.slice(0, MOST_COMPARED)) {
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
