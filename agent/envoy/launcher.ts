import type { Latest } from '../../common/latest.js'

/** What to start: everything that tells one Envoy process from another. */
export interface LaunchSpec {
  /** Path of the Envoy binary. */
  readonly path: string
  /** Path of the bootstrap, written before; by it an Envoy that is already running is recognised. */
  readonly bootstrap: string
  /** Path of Envoy's admin socket, as in the bootstrap. */
  readonly adminSocket: string
  /** A directory that is kept while the machine runs (`runDirectory`): there it is noted which process was started. */
  readonly runDirectory: string
  /** Worker threads. */
  readonly concurrency: number
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'critical' | 'off'
  /** Milliseconds that connections of a changed or closed listener may live on. */
  readonly drainTime: number
  /** Where its log and its access log go: to our own standard output and error, or to the end of a file. */
  readonly output: 'inherit' | { readonly file: string }
}

/** How an Envoy ended. */
export interface ExitInfo {
  /** Exit code; absent where a signal ended it, or where it was not our child so that nobody can know. */
  readonly code?: number
  readonly signal?: string
  /** For people: `exited with code 1: cannot bind 0.0.0.0:15090`. */
  readonly detail: string
}

/** An Envoy that runs, started just now or found running. */
export interface RunningEnvoy {
  readonly pid: number
  /** Whether it was already running, started by an agent that is gone. */
  readonly adopted: boolean
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<ExitInfo>
  /** SIGTERM, then SIGKILL after `graceMs`; resolves when the process has ended. */
  stop(graceMs: number): Promise<void>
  /** Lets go of it: it runs on when this process ends. */
  release(): void
}

/** What brings an Envoy to life: a child process of the agent, or one day a systemd unit of its own. */
export interface EnvoyLauncher {
  /**
   * Adopts the Envoy that already runs with exactly this spec, or ends one that runs with another and starts anew.
   *
   * @throws when the process cannot be started; an Envoy that starts and ends is no error but an {@link
   *   RunningEnvoy.exited}
   */
  launch(spec: LaunchSpec, signal: AbortSignal): Promise<RunningEnvoy>
}

/**
 * What the supervisor knows of Envoy.
 *
 * `starting`: it runs and is not live yet; `ready`: live with its first configuration; `crashed`: it ended by itself
 * and will be started again; `stopped`: nobody wants it to run.
 */
export interface EnvoyState {
  readonly state: 'starting' | 'ready' | 'crashed' | 'stopped'
  /** When this state began, in milliseconds since 1970. */
  readonly since: number
  /** How often Envoy ended by itself since the agent started. */
  readonly restarts: number
  readonly pid?: number
  /** Whether it was already running, started by an agent that is gone; absent while none runs. */
  readonly adopted?: boolean
  /** For people: what is being waited for, or how it ended. */
  readonly detail: string
}

/** The state as the rest of the agent watches it. */
export type EnvoyStatus = Latest<EnvoyState>
