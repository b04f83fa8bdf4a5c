import type { ProblemView } from '../../../common/admin-api.js'
import type { AgentRecord } from '../../catalog/agents.js'

/** What a person should know of calls by name on a host that is here; the worst first. */
export function viewNames({ host, session, facts }: AgentRecord): readonly ProblemView[] {
  if (session.state !== 'live' || facts.namesProblem === '') return []
  return [{ place: host, severity: 'error', code: 'MSH0502', message: facts.namesProblem }]
}
