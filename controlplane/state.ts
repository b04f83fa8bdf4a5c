import { join } from 'node:path'
import type { Log } from '../common/log.js'
import { hostsState } from './ca/host-record.js'
import { HostRegistry } from './ca/hosts.js'
import { tokensState } from './ca/token-use.js'
import { JoinTokens } from './ca/tokens.js'
import { type AgentsState, openAgentsState } from './kept-agents.js'
import { NO_OFFSETS, type Offsets, offsetsState } from './mesh/virtual-address.js'
import { StateFile } from './state-file.js'

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
