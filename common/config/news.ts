import { formatProblem, type Problem } from '../problem.js'

/** Problems that were not there before, so that a log names each once. */
export function newProblems(before: readonly Problem[], now: readonly Problem[]): readonly Problem[] {
  const known = new Set(before.map(formatProblem))
  return now.filter((problem) => !known.has(formatProblem(problem)))
}
