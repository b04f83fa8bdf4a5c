import type { TestContext } from 'node:test'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import type { AgentRecords } from '../../controlplane/catalog/agents.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { NO_OFFSETS } from '../../controlplane/mesh/virtual-address.js'
import { Pipeline, type PipelineInputs, type PipelineState } from '../../controlplane/pipeline.js'
import { Quarantine } from '../../controlplane/quarantine.js'
import { TRUST_DOMAIN } from '../mesh/inputs.js'

/** A pipeline without documents that runs until the test ends. */
export interface RunningPipeline {
  readonly agents: Latest<AgentRecords>
  /** The first state of this kind, now or later. @throws after 20 s */
  readonly until: (accept: (state: PipelineState) => boolean) => Promise<PipelineState>
}

/** Runs a pipeline of these hosts. */
export function runPipeline(t: TestContext, hosts: AgentRecords, more: Partial<PipelineInputs> = {}): RunningPipeline {
  const agents = new Latest(hosts)
  const pipeline = new Pipeline({
    agents,
    config: new Latest(new ConfigLoader().load({ files: [], hidden: [], problems: [] }, 0).loaded),
    enrolments: new Latest(undefined),
    mayRun: () => true,
    graces: { lost: 30_000, returning: 60_000 },
    trustBundlePem: new Latest(''),
    quarantine: new Quarantine(),
    offsets: { initial: NO_OFFSETS, save: async () => undefined },
    trustDomain: TRUST_DOMAIN,
    domain: 'mesh',
    verify: false,
    log: silentLog,
    ...more,
  })
  const end = new AbortController()
  const running = pipeline.run(end.signal)
  t.after(async () => {
    end.abort()
    await running
  })
  return { agents, until: (accept) => waitFor(pipeline.state, accept, AbortSignal.timeout(20_000)) }
}
