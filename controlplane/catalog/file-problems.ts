import type { Problem } from '../../common/problem.js'
import type { ProblemReport, ProblemsReport } from '../../common/proto/mesh/v1/mesh_pb.js'

/** What an agent says is wrong with the files of its host. */
export interface FileProblems {
  /** Errors first; files as the host knows them. Not all where there are many. */
  readonly problems: readonly Problem[]
  /** How many there are, those that are left out included. */
  readonly counts: Readonly<Record<Problem['severity'], number>>
}

/** More of one host are not kept, whatever it sends. */
const MOST_PROBLEMS = 20

const LONGEST_TEXT = 500

/** Reads what a host says of its files. Nothing of it is refused: what is too much is cut off. */
export function parseProblemsReport({ problems, errors, notices }: ProblemsReport): FileProblems {
  const kept = problems.slice(0, MOST_PROBLEMS).map(problemOf)
  const told = (severity: Problem['severity']) => kept.filter((one) => one.severity === severity).length
  return {
    problems: kept,
    counts: { error: Math.max(errors, told('error')), notice: Math.max(notices, told('notice')) },
  }
}

function problemOf({ file, line, column, notice, code, path, message, hint }: ProblemReport): Problem {
  return {
    file: file.slice(0, LONGEST_TEXT),
    line,
    column,
    severity: notice ? 'notice' : 'error',
    code: code.slice(0, 20),
    path: path.slice(0, LONGEST_TEXT),
    message: message.slice(0, LONGEST_TEXT),
    ...(hint === '' ? {} : { hint: hint.slice(0, LONGEST_TEXT) }),
  }
}
