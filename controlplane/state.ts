import { join } from 'node:path'
import { z } from 'zod'
import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { delay, type Task } from '../common/tasks.js'
import { hostsState } from './ca/host-record.js'
import { HostRegistry } from './ca/hosts.js'
import { tokensState } from './ca/token-use.js'
import { JoinTokens } from './ca/tokens.js'
import type { AgentRecord, AgentRecords } from './catalog/agents.js'
import { hostReport, serviceReport } from './catalog/report.js'
import { NO_OFFSETS, type Offsets, offsetsState } from './mesh/virtual-address.js'
import { StateFile } from './state-file.js'

const agentsState = z.array(z.strictObject({ host: z.string(), facts: hostReport, services: z.array(serviceReport) }))

type AgentsState = z.infer<typeof agentsState>

function openAgentsState(directory: string): Promise<StateFile<AgentsState>> {
  return StateFile.open<AgentsState>(join(directory, 'agents.json'), agentsState, [])
}

/** Everything that a control plane keeps on its disk beside the CA and the documents. */
export interface ControlPlaneState {
  readonly agents: StateFile<AgentsState>
  readonly hosts: HostRegistry
  readonly tokens: JoinTokens
  readonly offsets: { readonly initial: Offsets; readonly save: (offsets: Offsets) => Promise<void> }
}

/** Opens all state below a directory. @throws StateFileError where a file is damaged: nothing is ever reset silently */
export async function openState(directory: string, log: Log): Promise<ControlPlaneState> {
  const hosts = await StateFile.open(join(directory, 'hosts.json'), hostsState, { hosts: [] })
  const tokens = await StateFile.open(join(directory, 'tokens.json'), tokensState, { tokens: [] })
  const offsets = await StateFile.open(join(directory, 'addresses.json'), offsetsState, NO_OFFSETS)
  return {
    agents: await openAgentsState(directory),
    hosts: new HostRegistry(hosts, log),
    tokens: new JoinTokens({ file: tokens, log }),
    offsets: {
      initial: offsets.state,
      save: (next) => offsets.update(() => ({ state: next, result: undefined })),
    },
  }
}

/** What agents said before this control plane started, none of it confirmed yet. */
export function restoreAgents(file: StateFile<AgentsState>, now: number): AgentRecords {
  const records = file.state.map(({ host, facts, services }): [string, AgentRecord] => [
    host,
    { host, session: { state: 'unconfirmed', since: now }, facts, services },
  ])
  return new Map(records)
}

/** Keeps what agents say on the disk, at most twice in a second, and once more at the end. */
export function keepAgents(file: StateFile<AgentsState>, records: Latest<AgentRecords>, log: Log): Task {
  const keep = async () => {
    const next = [...records.value.values()]
      .map(({ host, facts, services }) => ({ host, facts, services: [...services] }))
      .sort((a, b) => (a.host < b.host ? -1 : 1))
    try {
      await file.update((state) => ({ state: same(state, next) ? state : next, result: undefined }))
    } catch (error) {
      log.error('reports of agents could not be kept; a restart would wait for them anew', { error })
    }
  }
  return async (signal) => {
    for await (const _ of records.values(signal)) {
      await keep()
      await delay(500, signal)
    }
    await keep()
  }
}

function same(a: AgentsState, b: AgentsState): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
