import type { ProblemView } from '../../../common/admin-api.js'
import { type CloneAlarm, QUIET_MS } from '../../catalog/session-claims.js'

type Alarms = ReadonlyMap<string, CloneAlarm>

/** A note about a host whose identity a second agent has; none where all is well, or has been for a while. */
export function viewClone(host: string, alarms: Alarms, now: number = Date.now()): readonly string[] {
  const alarm = alarms.get(host)
  if (alarm === undefined || now - alarm.last >= QUIET_MS) return []
  return [`a second agent has its identity (a cloned disk): ${alarm.refused} is refused, ${alarm.kept} counts`]
}

/** The same as problems of the mesh. */
export function viewClones(alarms: Alarms, now: number = Date.now()): readonly ProblemView[] {
  return [...alarms.keys()].sort().flatMap((host) =>
    viewClone(host, alarms, now).map((note) => ({
      place: host,
      severity: 'error' as const,
      code: 'MSH0407',
      message: note,
      hint: `on the copy, stop the agent, remove its identity and join it by another name; if the key may be stolen, ban ${host}`,
    })),
  )
}
