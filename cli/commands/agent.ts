import { hostname } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import type { AgentSettings } from '../../agent/settings-schema.js'
import { CommandFailure, EXIT } from '../exit.js'
import { type Place, withRights } from '../no-permission.js'
import { daemonLog, readSettings } from '../settings.js'
import { ignoreHangup, shutdownSignal } from '../signals.js'
import { configOption, type DaemonOptions, setOption } from './config-option.js'

/** Where an agent's settings are unless told otherwise. */
export const AGENT_CONFIG = '/etc/mesh/agent.yaml'

const RUNS_ALREADY =
  'is it running under a supervisor? Several hosts on one machine need a `stateDirectory`, `runDirectory` and `envoyRunDirectory` of their own'

/** `mesh agent`: the daemon that runs on every host. */
export function agentCommand(program: Command): void {
  program
    .command('agent')
    .description("run this host's agent: certificates, checks, xDS relay, and the local Envoy")
    .addOption(configOption(AGENT_CONFIG, 'MESH_AGENT_CONFIG'))
    .addOption(setOption())
    .addHelpText(
      'after',
      '\nEnds with 78 when the settings are not valid or no usable Envoy is found, with 75 when another agent runs here,\nwith 77 when this user may not use its directories.\n\nExample:\n  mesh agent --config /etc/mesh/agent.yaml',
    )
    .action(async ({ config, set }: DaemonOptions) => {
      // An agent works little and on every host, so its heap does better to stay small than to grow for speed.
      setFlagsFromString('--optimize-for-size')
      const [{ agentSettings }, { runAgent, needsPerson }, { DirectoryHeld }] = await Promise.all([
        import('../../agent/settings-schema.js'),
        import('../../agent/main.js'),
        import('../../common/hold-directory.js'),
      ])
      const settings = await readSettings(agentSettings, config, EXIT.configuration, set)
      const log = daemonLog(settings.logLevel)
      ignoreHangup(log)
      try {
        const options = { settings, environment: process.env, log }
        await withRights(agentPlaces(settings), () => runAgent(options, shutdownSignal()))
      } catch (error) {
        if (error instanceof DirectoryHeld) throw new CommandFailure(EXIT.tryAgain, error.message, RUNS_ALREADY)
        if (needsPerson(error)) throw new CommandFailure(EXIT.configuration, (error as Error).message)
        throw error
      }
    })
}

/** The directories of an agent. */
export function agentPlaces(
  settings: Pick<AgentSettings, 'stateDirectory' | 'runDirectory' | 'envoyRunDirectory'>,
): readonly Place[] {
  const keys = ['stateDirectory', 'runDirectory', 'envoyRunDirectory'] as const
  return keys.map((setting) => ({ setting, path: settings[setting] }))
}

/** The name of this host as the mesh knows it, unless the settings say otherwise. */
export function defaultHostName(): string {
  return hostname().toLowerCase()
}
