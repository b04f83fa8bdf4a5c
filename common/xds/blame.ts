/**
 * What becomes of one name of a refused response.
 *
 * - `accept`: the client uses it, although it has refused the response
 * - `again`: it is sent again together with others
 * - `isolate`: it is sent again alone, to find out whether it is the faulty one
 * - `refuse`: it is the faulty one, and is not sent again until it changes
 * - `refuse-other`: the same, but the client may have another version of it that is not known here
 */
export type Verdict = 'accept' | 'again' | 'isolate' | 'refuse' | 'refuse-other'

/** How the responses of one type are made, and what is made of a refusal. */
export interface ResponsePolicy {
  /** Whether a response has to carry everything at once, however large. */
  readonly whole: boolean
  /** Whether names that travel alone go before the others or after them. */
  readonly isolated: 'first' | 'last'
  /** Judges the names that were new in a refused response, by the client's words. */
  judge(refusal: string, names: ReadonlySet<string>): (name: string) => Verdict
}

/**
 * For responses that carry nothing but what is new: of several names, the client tells neither which it refused nor
 * which it uses nevertheless, so they are sent again one by one.
 */
export const ONE_BY_ONE: ResponsePolicy = {
  whole: false,
  isolated: 'first',
  judge: (_, names) => () => (names.size > 1 ? 'isolate' : 'refuse'),
}

/** Those of the names that stand in a text, and not only as a part of another name. */
export function namesIn(text: string, names: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>()
  for (const name of names) {
    if (text.includes(name) && wholeName(name).test(text)) found.add(name)
  }
  return found
}

/** A name may be followed by a colon or a full stop, as in `payments/main: no such thing.` */
function wholeName(name: string): RegExp {
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<![\\w./@:-])${literal}(?![\\w/@-]|[.:]\\w)`)
}
