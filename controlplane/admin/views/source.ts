import type { StreamStatus } from '../../../common/xds/served-stream.js'
import type { HostRecord } from '../../ca/host-record.js'
import type { AgentRecords, LeftHost } from '../../catalog/agents.js'
import type { CloneAlarm } from '../../catalog/session-claims.js'
import type { PipelineState } from '../../pipeline.js'
import type { Quarantined } from '../../quarantine.js'

/** All that the views are made from, at one moment. */
export interface ViewSource {
  /** The ID of this control plane. */
  readonly id: string
  readonly state: PipelineState
  readonly records: AgentRecords
  /** Hosts that left in order, by name; none of them is among the records. */
  readonly left: ReadonlyMap<string, LeftHost>
  readonly enrolled: readonly HostRecord[]
  readonly streams: readonly StreamStatus[]
  /** Hosts whose identity a second agent has, by host. */
  readonly clones: ReadonlyMap<string, CloneAlarm>
  readonly quarantined: readonly Quarantined[]
}
