import { join } from 'node:path'
import { readIfPresent } from '../../common/files.js'
import { Latest } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { CA_FILES } from '../ca/authority.js'
import type { AgentRecords } from '../catalog/agents.js'
import { type LoadedConfig, readConfig } from '../config/watch.js'
import { caDirectory } from '../directories.js'
import { restoreAgents } from '../kept-agents.js'
import { NO_OFFSETS, type Offsets } from '../mesh/virtual-address.js'
import { Pipeline, type PipelineState } from '../pipeline.js'
import { mayRun } from '../policy.js'
import { Quarantine } from '../quarantine.js'
import type { ControlPlaneSettings } from '../settings-schema.js'
import { openState } from '../state.js'

/** What runs, as far as it is known without asking anybody. */
export interface KnownHosts {
  readonly agents: AgentRecords
  readonly offsets: Offsets
  /** Whether a host may run a service, beside what host-policies allow. */
  readonly allows: (host: string, service: string) => boolean
  readonly keptOut: (host: string) => boolean
}

/** There is no state of a control plane in a directory. */
export class NoState extends Error {
  constructor(directory: string) {
    super(`no control plane has kept anything in ${directory}`)
  }
}

/** The hosts as they last reported to the control plane of this state directory. @throws NoState */
export async function readKnownHosts({ state: { directory } }: ControlPlaneSettings): Promise<KnownHosts> {
  if ((await readIfPresent(join(directory, 'agents.json'))) === undefined) throw new NoState(directory)
  const state = await openState(directory, silentLog)
  return {
    agents: restoreAgents(state.agents, Date.now()),
    offsets: state.offsets.initial,
    allows: (host, service) => state.hosts.allowsService(host, service),
    keptOut: (host) => state.hosts.isKeptOut(host),
  }
}

/** Hosts of a description: they may run what it says they run, and their services get virtual addresses anew. */
export function describedHosts(agents: AgentRecords): KnownHosts {
  return { agents, offsets: NO_OFFSETS, allows: () => true, keptOut: () => false }
}

/** What a control plane would serve, with the configuration that it is made from. */
export interface OfflineState {
  readonly state: PipelineState
  readonly loaded: LoadedConfig
}

/**
 * Builds what a control plane would serve from documents and known hosts, by the control plane's own pipeline. Nothing
 * is kept and nobody is asked.
 */
export async function buildOffline(
  settings: ControlPlaneSettings,
  directories: readonly string[],
  known: KnownHosts,
): Promise<OfflineState> {
  const loaded = await readConfig(directories)
  const { hostPolicies } = loaded.config
  const { trustDomain, domain, discovery } = settings
  const pipeline = new Pipeline({
    agents: new Latest(known.agents),
    config: new Latest(loaded),
    enrolments: new Latest(undefined),
    mayRun: (host, service) =>
      !known.keptOut(host) && (known.allows(host, service) || mayRun(hostPolicies, host, service)),
    graces: { lost: discovery.lostGrace, returning: discovery.returnGrace },
    trustBundlePem: new Latest(await readRoots(settings)),
    quarantine: new Quarantine(),
    offsets: { initial: known.offsets, save: async () => {} },
    trustDomain,
    domain,
    verify: false,
    log: silentLog,
  })
  await pipeline.build()
  return { state: pipeline.state.value, loaded }
}

/** The roots of the mesh; a text in their place where this machine has none or may not read them. */
async function readRoots(settings: ControlPlaneSettings): Promise<string> {
  try {
    return (await readIfPresent(join(caDirectory(settings), CA_FILES.bundle))) ?? 'the roots of the mesh'
  } catch {
    return 'the roots of the mesh'
  }
}
