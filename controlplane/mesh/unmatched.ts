import { matchesPattern } from '../../common/config/fields.js'
import type { DocumentPath, Located } from '../../common/config/located.js'
import { suggest } from '../../common/config/suggest.js'
import type { Problem } from '../../common/problem.js'
import type { Config } from '../config/config.js'
import type { AuthorizationRule } from '../config/schema/authorization.js'
import { problemAt } from './report.js'

/**
 * Names and patterns of callers and hosts that match nothing now: notices, since it may come later. A caller that is
 * misspelt is refused, and nothing else would say why.
 */
export function unmatchedNames(
  { authorizations, hostPolicies }: Pick<Config, 'authorizations' | 'hostPolicies'>,
  services: Iterable<string>,
  hosts: Iterable<string>,
): readonly Problem[] {
  const [service, host] = [new Known('service', services), new Known('host', hosts)]
  return [
    ...authorizations.flatMap((document) =>
      (['deny', 'allow'] as const).flatMap((list) =>
        (document.value[list] ?? []).flatMap((rule, index) => callersOf(rule, [list, index], document, service)),
      ),
    ),
    ...hostPolicies.flatMap((document) => [
      ...unmatched(document.value.hosts, ['hosts'], document, host),
      ...unmatched(document.value.services, ['services'], document, service),
    ]),
  ]
}

function callersOf(
  { from }: AuthorizationRule,
  path: DocumentPath,
  document: Located<unknown>,
  known: Known,
): readonly Problem[] {
  return unmatched(from?.services ?? [], [...path, 'from', 'services'], document, known)
}

function unmatched(
  patterns: readonly string[],
  path: DocumentPath,
  document: Located<unknown>,
  known: Known,
): readonly Problem[] {
  return patterns.flatMap((pattern, index) => {
    if (known.has(pattern)) return []
    const missing = pattern.endsWith('*')
      ? `no ${known.what} matches ${pattern}`
      : `there is no ${known.what} ${pattern}`
    const message = `${missing} now; what is said of it waits for one`
    const meant = known.meant(pattern)
    const hint = meant === undefined ? {} : { hint: `did you mean ${meant}?` }
    return problemAt(document, [...path, index], { code: 'MSH0311', severity: 'notice', message, ...hint })
  })
}

/** Each suggestion compares a name with all others, and a large mesh may wait for many. */
const MOST_SUGGESTIONS = 50

/** What there is of one sort. Answers are kept: many documents name the same callers. */
class Known {
  readonly what: string
  readonly #names: ReadonlySet<string>
  readonly #answers = new Map<string, boolean>()
  readonly #meant = new Map<string, string | undefined>()

  constructor(what: string, names: Iterable<string>) {
    this.what = what
    this.#names = new Set(names)
  }

  /** Whether a name is there, or anything that a pattern stands for. `*` names nothing: it is about all that there are. */
  has(pattern: string): boolean {
    if (pattern === '*' || this.#names.has(pattern)) return true
    if (!pattern.endsWith('*')) return false
    const answer = this.#answers.get(pattern) ?? [...this.#names].some((name) => matchesPattern(pattern, name))
    this.#answers.set(pattern, answer)
    return answer
  }

  /** The name that was probably meant, or a pattern like `shop-*` of names that start almost so. */
  meant(pattern: string): string | undefined {
    if (this.#meant.has(pattern) || this.#meant.size >= MOST_SUGGESTIONS) return this.#meant.get(pattern)
    const start = pattern.endsWith('*') ? pattern.slice(0, -1) : undefined
    const near =
      start === undefined
        ? suggest(pattern, this.#names)
        : suggest(start, new Set([...this.#names].map((name) => name.slice(0, start.length))))
    const meant = near === undefined || start === undefined ? near : `${near}*`
    this.#meant.set(pattern, meant)
    return meant
  }
}
