import { join } from 'node:path'
import { z } from 'zod'
import type { Log } from '../common/log.js'
import { Memo, MemoTable } from '../common/memo/memo.js'
import { atOnce } from '../common/memo/steps.js'
import { delay, type Rest, restAfter, type Task } from '../common/tasks.js'
import type { AgentDirectory, AgentRecord, AgentRecords, LeftHost } from './catalog/agents.js'
import { hostReport, serviceReport } from './catalog/report.js'
import { StateFile } from './state-file.js'

const agentState = z.strictObject({
  host: z.string(),
  facts: hostReport,
  services: z.array(serviceReport),
  /** When the session of a host ended that has been given up since, wall-clock milliseconds; absent: it is waited for. */
  lostSince: z.number().optional(),
  /** When the host left in order, wall-clock milliseconds: what it reported counts no more. */
  leftSince: z.number().optional(),
})

const agentsState = z.array(agentState)

/** What is kept of the hosts that agents have told of, sorted by name. */
export type AgentsState = z.infer<typeof agentsState>

/** Opens what is kept of agents. @throws StateFileError where the file is damaged */
export function openAgentsState(directory: string): Promise<StateFile<AgentsState>> {
  return StateFile.open<AgentsState>(join(directory, 'agents.json'), agentsState, [])
}

/** What agents said before this control plane started, none of it confirmed yet. Who was given up then is so still. */
export function restoreAgents(file: StateFile<AgentsState>, now: number): AgentRecords {
  const there = file.state.filter(({ leftSince }) => leftSince === undefined)
  const records = there.map(({ host, facts, services, lostSince }): [string, AgentRecord] => {
    const session: AgentRecord['session'] =
      lostSince === undefined ? { state: 'unconfirmed', since: now } : { state: 'lost', since: lostSince }
    return [host, { host, session, facts, services }]
  })
  return new Map(records)
}

/** The hosts that had left in order before this control plane started. */
export function restoreLeft(file: StateFile<AgentsState>): ReadonlyMap<string, LeftHost> {
  const left = file.state.flatMap(({ host, facts, services, leftSince: since }): [string, LeftHost][] =>
    since === undefined ? [] : [[host, { host, facts, services, since }]],
  )
  return new Map(left)
}

/** The longest that a host which has been given up is not on the disk as such, milliseconds. */
const LOOK_MS = 60_000

/**
 * Between two writings passes a multiple of the time that one takes: what a control plane that is killed has not written
 * yet is little in a small mesh, and writing takes little of a large one. Milliseconds.
 */
const REST: Rest = { least: 20, most: 2_000, times: 10 }

/**
 * Keeps what agents say on the disk soon after they have said it, and once more at the end.
 *
 * @param lostGrace how long hosts that are not heard of are waited for, milliseconds
 */
export function keepAgents(
  file: StateFile<AgentsState>,
  { members: records, left }: Pick<AgentDirectory, 'members' | 'left'>,
  lostGrace: number,
  log: Log,
): Task {
  const kept = new MemoTable<AgentsState[number]>()
  const states = new Memo<AgentsState>()
  const keep = async () => {
    const before = Date.now() - lostGrace
    const members = atOnce(
      kept.each([...records.value.values()], {
        key: ({ host }) => host,
        inputs: ({ facts, services, session }) => [facts, services, isGone(session, before) && session.since],
        make: (record) => agentStateOf(record, before),
      }),
    )
    const gone = [...left.values()]
    const next = states.get([members, ...gone], () => sorted([...members, ...gone.map(leftStateOf)]))
    try {
      await file.update(() => ({ state: next, result: undefined }))
    } catch (error) {
      log.error('reports of agents could not be kept; a restart would wait for them anew', { error })
    }
  }
  return async (signal) => {
    while (!signal.aborted) {
      const wake = new AbortController()
      const unsubscribe = records.subscribe(() => wake.abort())
      const began = performance.now()
      await keep()
      await delay(restAfter(performance.now() - began, REST), signal)
      await delay(Math.min(lostGrace, LOOK_MS), signal, wake.signal)
      unsubscribe()
    }
    await keep()
  }
}

/** @param givenUp hosts that were lost by then are not waited for any more, wall-clock milliseconds */
function agentStateOf({ host, session, facts, services }: AgentRecord, givenUp: number): AgentsState[number] {
  return { host, facts, services: [...services], ...(isGone(session, givenUp) ? { lostSince: session.since } : {}) }
}

function leftStateOf({ host, facts, services, since }: LeftHost): AgentsState[number] {
  return { host, facts, services: [...services], leftSince: since }
}

function sorted(states: AgentsState): AgentsState {
  return states.sort((a, b) => (a.host < b.host ? -1 : 1))
}

function isGone({ state, since }: AgentRecord['session'], givenUp: number): boolean {
  return state === 'lost' && since <= givenUp
}
