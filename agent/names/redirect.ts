import { join } from 'node:path'
import { readIfPresent, writeIfDifferent } from '../../common/files.js'
import type { Latest } from '../../common/latest.js'
import { describeError, type Log } from '../../common/log.js'
import { aborted, delay, type Task } from '../../common/tasks.js'
import type { Environment } from '../envoy/environment.js'
import type { EnvoyState } from '../envoy/launcher.js'
import type { HostFacts } from '../reports.js'
import type { AgentSettings } from '../settings-schema.js'
import { firewallLoader, type LoadRules } from './firewall.js'
import { probeRedirect, type RedirectState } from './probe.js'
import { buildNamesRule, NO_NAMES_RULE } from './rule.js'

/** How often the way that calls take is tried, milliseconds: rarely while it works. */
const PAUSE_MS = { works: 10_000, fails: 2_000 } as const

/** What keeping calls by name redirected needs. */
export interface RedirectOptions {
  readonly settings: AgentSettings
  readonly environment: Environment
  readonly facts: Latest<HostFacts>
  readonly envoy: Latest<EnvoyState>
  readonly log: Log
}

/** Keeps the host's firewall as `names.mode` wants it, until the signal aborts. */
export function keepNamesRule(options: RedirectOptions): Task {
  return async (signal) => {
    const { settings, environment, log } = options
    const load = await firewallLoader(environment)
    if (settings.names.enabled && settings.names.mode === 'redirect') return redirectNames(options, load)(signal)
    await endRedirect(settings, load, log)
    await aborted(signal)
  }
}

/** The file with the rule, which systemd or a person loads where the agent may not. */
function rulePath({ runDirectory }: AgentSettings): string {
  return join(runDirectory, 'names.nft')
}

/**
 * Writes the rule of mode redirect, loads it where it may, and tries for as long as the signal does not abort whether calls
 * by name reach Envoy. What is wrong is told with the host's facts.
 *
 * The rule stays when the agent leaves: with it a name leads to nothing while there is no Envoy; without it, it would lead
 * to whatever application listens on all addresses.
 */
function redirectNames({ settings, facts, envoy, log }: RedirectOptions, load: LoadRules | undefined): Task {
  const { range, redirectPort } = settings.names
  const path = rulePath(settings)
  const tell = (problem: string | undefined) => {
    if (problem === facts.value.namesProblem) return
    if (problem === undefined) log.info('calls by name reach Envoy again')
    else log.warn('calls by name do not reach Envoy', { problem })
    facts.set({ ...facts.value, namesProblem: problem })
  }
  return async (signal) => {
    const place = async () => (await writeRule(path, buildNamesRule(range, redirectPort))) ?? (await load?.(path))
    let failure = await place()
    while (!signal.aborted) {
      let state = await probeRedirect(range, redirectPort)
      if (state === 'no rule' && load !== undefined) {
        failure = await place()
        state = await probeRedirect(range, redirectPort)
        if (state === 'works') log.warn('the rule of names was gone and is loaded again', { path })
      }
      tell(describe(state, { path, failure, redirectPort, ready: envoy.value.state === 'ready' }))
      await delay(state === 'works' ? PAUSE_MS.works : PAUSE_MS.fails, signal)
    }
  }
}

interface Circumstances {
  readonly path: string
  /** Why the rule could not be loaded. */
  readonly failure: string | undefined
  readonly redirectPort: number
  /** Whether Envoy has its configuration; before that nobody expects it to listen. */
  readonly ready: boolean
}

function describe(state: RedirectState, { path, failure, redirectPort, ready }: Circumstances): string | undefined {
  if (state === 'no rule') {
    const why = failure === undefined ? '' : `: ${failure}`
    return `names do not work: the firewall does not send calls to Envoy${why}; load the rule with nft -f ${path}`
  }
  if (state === 'works' || !ready) return undefined
  return `names do not work: Envoy does not listen on 127.0.0.1:${redirectPort}, where calls are redirected to`
}

/** Takes the rule away that an agent left which ran in mode redirect; without such a one it does nothing. */
async function endRedirect(settings: AgentSettings, load: LoadRules | undefined, log: Log): Promise<void> {
  const path = rulePath(settings)
  const before = await readIfPresent(path)
  if (before === undefined || before === NO_NAMES_RULE) return
  const failure = (await writeRule(path, NO_NAMES_RULE)) ?? (await load?.(path))
  if (failure !== undefined) log.error('the rule of names could not be taken away', { path, failure })
}

/** @returns why the file could not be written; undefined when it is there */
async function writeRule(path: string, rule: string): Promise<string | undefined> {
  try {
    await writeIfDifferent(path, rule, 0o644)
    return undefined
  } catch (error) {
    return `it cannot be written: ${describeError(error)}`
  }
}
