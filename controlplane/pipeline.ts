import { Latest } from '../common/latest.js'
import { describeError, type Log } from '../common/log.js'
import { Memo } from '../common/memo/memo.js'
import { inSlices } from '../common/memo/steps.js'
import type { Problem } from '../common/problem.js'
import { delay, type Rest, restAfter, type Task } from '../common/tasks.js'
import { EMPTY_PUBLICATION, type Publication } from '../common/xds/resource.js'
import { type BuildInput, BuildMemo, buildSteps } from './build.js'
import type { AgentRecords } from './catalog/agents.js'
import { type Catalog, EMPTY_CATALOG } from './catalog/catalog.js'
import type { Graces } from './catalog/presence.js'
import type { Config } from './config/config.js'
import type { LoadedConfig } from './config/watch.js'
import { sourcesOf } from './envoy/sources.js'
import type { Mesh, Sources } from './mesh/mesh.js'
import type { Offsets } from './mesh/virtual-address.js'
import type { Quarantine } from './quarantine.js'
import { verifyBuilt } from './verify.js'

/** What the control plane knows and serves at one moment, all of it made from the same inputs. */
export interface PipelineState {
  readonly catalog: Catalog
  readonly mesh: Mesh | undefined
  /** The documents that the mesh was built from. */
  readonly config: Config | undefined
  readonly publication: Publication
  /** Of the catalog and of the references between documents; those of reading are with the configuration. */
  readonly problems: readonly Problem[]
  /** The documents that a resource was made from. */
  readonly sourcesOf: (type: string, name: string) => Sources
  /** Why what came later could not be built; absent: this is made of the newest. */
  readonly failure?: BuildFailure
}

/** A build that failed, and has failed since. */
export interface BuildFailure {
  readonly error: string
  /** Wall-clock milliseconds. */
  readonly since: number
}

/** Where the pipeline reads, and what it keeps. */
export interface PipelineInputs {
  readonly agents: Latest<AgentRecords>
  readonly config: Latest<LoadedConfig>
  /** Whether a host may run a service, by its enrolment or a host-policy. */
  readonly mayRun: (host: string, service: string) => boolean
  readonly enrolments: Latest<unknown>
  readonly graces: Graces
  readonly trustBundlePem: Latest<string>
  readonly quarantine: Quarantine
  readonly offsets: { readonly initial: Offsets; readonly save: (offsets: Offsets) => Promise<void> }
  readonly trustDomain: string
  readonly domain: string
  /** Rebuild everything at each change and compare the bytes. */
  readonly verify: boolean
  readonly log: Log
  /** Told of each build that was tried, with how long it took, seconds. */
  readonly built?: (result: 'ok' | 'failed', seconds: number) => void
  /** For how long the last publication has kept streams busy, or does so far, milliseconds; absent: there are none. */
  readonly fanOutMs?: () => number
  readonly now?: () => number
}

/**
 * While changes keep coming, so much of the time is left to everything else, as a multiple of what a build and its fan-out
 * take, but a change waits at most a second for those before it. Each change of one host costs something for every other,
 * so a herd of hosts would otherwise cost its square.
 */
const REST: Rest = { least: 0, most: 1_000, times: 2 }

/** Nothing served yet. */
const NOTHING: PipelineState = {
  catalog: EMPTY_CATALOG,
  mesh: undefined,
  config: undefined,
  publication: EMPTY_PUBLICATION,
  problems: [],
  sourcesOf: () => [],
}

/**
 * Turns the newest of all inputs into what xDS serves: catalog, mesh, Envoy resources, each a pure function of the one
 * before. Changes that come together are one build; nothing is queued.
 */
export class Pipeline {
  readonly state = new Latest<PipelineState>(NOTHING)
  readonly #inputs: PipelineInputs
  readonly #memo = new BuildMemo()
  readonly #rights = new Memo<BuildInput['mayRun']>()
  readonly #now: () => number
  #offsets: Offsets
  /** When the oldest change that is not built yet was noticed, monotonic milliseconds. */
  #changedAt: number | undefined
  /** When the last build ended, monotonic milliseconds, and how long it took. */
  #last = { at: Number.NEGATIVE_INFINITY, took: 0 }

  constructor(inputs: PipelineInputs) {
    this.#inputs = inputs
    this.#now = inputs.now ?? Date.now
    this.#offsets = inputs.offsets.initial
  }

  /** Builds once and then after every change, until the signal aborts. */
  readonly run: Task = async (signal) => {
    while (!signal.aborted) {
      const wake = new AbortController()
      const unsubscribes = this.#sources().map((source) => source.subscribe(() => this.#noteChange(wake)))
      const nextChange = await this.#tryBuild()
      const pause = nextChange === undefined ? 60_000 : Math.max(10, nextChange - this.#now())
      await delay(Math.min(pause, 60_000), signal, wake.signal)
      await this.#rest(signal)
      for (const unsubscribe of unsubscribes) unsubscribe()
      // What else changed in this turn of the loop belongs to the same build.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** The first change after quiet is built at once, those that follow it together. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { at, took } = this.#last
    const left = () => {
      const fanOut = this.#inputs.fanOutMs?.() ?? 0
      return at + restAfter(took + fanOut, REST) - performance.now()
    }
    for (let wait = left(); wait > 0 && !signal.aborted; wait = left()) await delay(wait, signal)
  }

  #noteChange(wake: AbortController): void {
    this.#changedAt ??= performance.now()
    wake.abort()
  }

  /** A build that fails is told; what was served before is served on. */
  async #tryBuild(): Promise<number | undefined> {
    const begun = performance.now()
    const tell = (result: 'ok' | 'failed') => {
      const now = performance.now()
      this.#last = { at: now, took: now - begun }
      this.#inputs.built?.(result, (now - begun) / 1000)
    }
    try {
      const nextChange = await this.build()
      tell('ok')
      return nextChange
    } catch (error) {
      tell('failed')
      this.#inputs.log.error('the mesh could not be built; the last one is served on', { error })
      const { since = this.#now() } = this.state.value.failure ?? {}
      this.state.set({ ...this.state.value, failure: { error: describeError(error), since } })
      return undefined
    }
  }

  /** Builds from what the inputs are now. @returns when time alone may change the result, wall-clock milliseconds */
  async build(): Promise<number | undefined> {
    const changedAt = this.#changedAt
    this.#changedAt = undefined
    const input = this.#input()
    const built = await inSlices(buildSteps(input, this.#memo))
    if (this.#inputs.verify) verifyBuilt(input, built)
    await this.#keepOffsets(built.offsets)
    const { catalog, mesh, publication, problems, nextChange } = built
    this.state.set({
      catalog,
      mesh,
      config: input.config,
      publication: {
        ...this.#inputs.quarantine.apply(publication),
        ...(changedAt === undefined ? {} : { changedAt }),
      },
      problems,
      sourcesOf: (type, name) => sourcesOf(mesh, type, name),
    })
    return nextChange
  }

  #input(): BuildInput {
    const { agents, enrolments, mayRun, graces, trustBundlePem, trustDomain, domain } = this.#inputs
    const { config } = this.#inputs.config.value
    return {
      agents: agents.value,
      config,
      mayRun: this.#rights.get(
        [enrolments.value, config.hostPolicies],
        () => (host: string, service: string) => mayRun(host, service),
      ),
      graces,
      now: this.#now(),
      offsets: this.#offsets,
      mesh: { trustDomain, domain },
      resources: { trustBundlePem: trustBundlePem.value },
    }
  }

  #sources(): readonly Latest<unknown>[] {
    const { agents, config, enrolments, trustBundlePem, quarantine } = this.#inputs
    return [agents, config, enrolments, trustBundlePem, quarantine.changes] as readonly Latest<unknown>[]
  }

  /** Before anybody is told of addresses, so that a restart gives the same ones. */
  async #keepOffsets(next: Offsets): Promise<void> {
    if (next === this.#offsets) return
    this.#offsets = next
    try {
      await this.#inputs.offsets.save(next)
    } catch (error) {
      this.#inputs.log.error('virtual addresses could not be kept; they may differ after a restart', { error })
    }
  }
}
