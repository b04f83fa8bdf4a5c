import { join } from 'node:path'
import { makeDirectory, writeIfDifferent } from '../common/files.js'
import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import type { Task } from '../common/tasks.js'
import { buildBootstrap } from './bootstrap.js'
import { createEnvoyAdmin } from './envoy/admin.js'
import { boundLog } from './envoy/bound-log.js'
import { createChildProcessLauncher } from './envoy/child-process.js'
import type { EnvoyState } from './envoy/launcher.js'
import { superviseEnvoy } from './envoy/supervise.js'
import type { AgentSettings } from './settings-schema.js'

/** What running Envoy needs of the agent. */
export interface RunEnvoyOptions {
  readonly settings: AgentSettings
  readonly host: string
  /** Path of the binary that was found. */
  readonly envoyPath: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly status: Latest<EnvoyState>
  /** Whether the host leaves on purpose: an agent that ends for another reason leaves Envoy to the next one. */
  readonly leaving: Latest<boolean>
  readonly log: Log
}

/** The agent's xDS socket. */
export function xdsSocketPath({ runDirectory }: AgentSettings): string {
  return join(runDirectory, 'xds.sock')
}

/** Envoy's admin socket. */
export function adminSocketPath({ envoyRunDirectory }: AgentSettings): string {
  return join(envoyRunDirectory, 'admin.sock')
}

/** Writes Envoy's bootstrap and keeps Envoy running until the signal aborts; then drains and ends it if the host leaves. */
export function runEnvoy({ settings, host, envoyPath, environment, status, leaving, log }: RunEnvoyOptions): Task {
  return async (signal) => {
    const { envoy, runDirectory, envoyRunDirectory } = settings
    const adminSocket = adminSocketPath(settings)
    const bootstrap = join(runDirectory, 'envoy.json')
    const file = join(runDirectory, 'envoy.log')
    await makeDirectory(envoyRunDirectory, 0o750)
    await writeIfDifferent(bootstrap, bootstrapOf(settings, host, adminSocket), 0o640)
    const supervise = superviseEnvoy({
      launcher: createChildProcessLauncher(environment, log),
      spec: {
        path: envoyPath,
        bootstrap,
        adminSocket,
        runDirectory,
        concurrency: envoy.concurrency,
        logLevel: envoy.logLevel,
        drainTime: envoy.drainTime,
        output: { file },
      },
      admin: createEnvoyAdmin(adminSocket),
      status,
      whenStopped: () => (leaving.value ? 'drain' : 'leave'),
      log,
    })
    await Promise.all([supervise(signal), boundLog(file, log)(signal)])
  }
}

function bootstrapOf(settings: AgentSettings, host: string, adminSocket: string): string {
  return buildBootstrap({
    host,
    locality: settings.locality,
    metadata: {},
    xdsSocket: xdsSocketPath(settings),
    adminSocket,
    metrics: settings.metrics.envoy === 'off' ? undefined : settings.metrics.envoy,
  })
}
