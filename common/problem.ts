/** A place in a file that a person wrote; line and column count from 1, as editors do. */
export interface Location {
  /** Path as the person knows it: relative to the directory that is read, with that directory's name in front. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * Something wrong with what a person wrote, or something that they should know, found without stopping the rest.
 *
 * `error`: the document, or the part of it that the message names, is not in effect. `notice`: it is, with an
 * assumption that the message tells.
 */
export interface Problem extends Location {
  /** Stable code of the kind of problem, such as `MSH0107`; the list with explanations is in docs/problems.md. */
  readonly code: string
  readonly severity: 'error' | 'notice'
  /** Where in the document, in dots and brackets (`rules[0].match.path`); empty for the whole document. */
  readonly path: string
  /** What is wrong: starts in lower case, ends without a period. */
  readonly message: string
  /** What to write instead, or what to do. */
  readonly hint?: string
}

/** `routes.d/payments.yaml:4`: enough to find it, short enough for a table. */
export function formatPlace({ file, line }: Pick<Location, 'file' | 'line'>): string {
  return `${file}:${line}`
}

/** Formats a problem as one line, `file:line:column: path: what is wrong (hint)`, the form that editors jump to. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`
  const path = problem.path === '' ? '' : `${problem.path}: `
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`
  return `${place}: ${path}${problem.message}${hint} [${problem.code}]`
}

/** The problems of many parts, nearly all of which have none, in the order of the parts. */
export function problemsIn(parts: readonly { readonly problems: readonly Problem[] }[]): readonly Problem[] {
  const found: Problem[] = []
  for (const { problems } of parts) {
    if (problems.length > 0) found.push(...problems)
  }
  return found
}

/** Orders problems by file, line, column, then code, so that equal inputs print equal lists. */
export function compareProblems(a: Problem, b: Problem): number {
  return (
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  )
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
