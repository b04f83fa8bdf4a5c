import type { ProblemView } from '../../../common/admin-api.js'

/** The first ones, and where there are more a last one that stands for the others. */
export function firstOf(
  all: readonly ProblemView[],
  most: number,
  rest: (others: readonly ProblemView[]) => ProblemView,
): readonly ProblemView[] {
  return all.length <= most ? all : [...all.slice(0, most), rest(all.slice(most))]
}
