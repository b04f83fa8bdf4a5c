import type { ProblemView } from '../../../common/admin-api.js'
import type { Problem } from '../../../common/problem.js'
import type { AgentRecord } from '../../catalog/agents.js'
import { viewProblem } from './problem.js'

/** What is wrong with the files of a live host, as its agent says; of one that is not heard of it may be mended by now. */
export function viewFileProblems({ host, session, fileProblems }: AgentRecord): readonly ProblemView[] {
  if (session.state !== 'live' || fileProblems === undefined) return []
  const { problems, counts } = fileProblems
  const more = counts.error + counts.notice - problems.length
  const listed = problems.map((problem) => viewProblem({ ...problem, file: `${host}:${problem.file}` }))
  if (more <= 0) return listed
  const leftOut = counts.error > problems.filter(({ severity }) => severity === 'error').length
  return [...listed, viewMore(host, more, leftOut ? 'error' : 'notice')]
}

function viewMore(host: string, more: number, severity: Problem['severity']): ProblemView {
  return {
    place: host,
    severity,
    code: 'MSH0414',
    message: `the files of ${host} have ${more} more problems`,
    hint: 'the log of its agent names all of them',
  }
}

/** How many errors are in the files of a live host, and how many notices. */
export function countFileProblems({
  session,
  fileProblems,
}: AgentRecord): Readonly<Record<Problem['severity'], number>> {
  return (session.state === 'live' ? fileProblems?.counts : undefined) ?? { error: 0, notice: 0 }
}
