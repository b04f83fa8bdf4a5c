import type { Command } from 'commander'
import { describeError } from '../../common/log.js'
import { CommandFailure, EXIT } from '../exit.js'
import { withRights } from '../no-permission.js'
import { daemonLog, readSettings } from '../settings.js'
import { ignoreHangup, shutdownSignal } from '../signals.js'
import { configOption, type DaemonOptions, setOption } from './config-option.js'

const RUNS_ALREADY =
  'is it running under a supervisor? Several control planes on one machine need `state.directory`, `admin.socket` and `listen` of their own'

/** `mesh controlplane`: the daemon that runs centrally. */
export function controlPlaneCommand(program: Command): void {
  program
    .command('controlplane')
    .description('run the control plane: catalog, configuration, xDS, certificate authority')
    .addOption(configOption('/etc/mesh/controlplane.yaml', 'MESH_CONTROLPLANE_CONFIG'))
    .addOption(setOption())
    .addHelpText(
      'after',
      '\nEnds with 78 when the settings, the CA or its state are not valid, or when an authorization\ndocument is not and starting would open what it closes; with 75 when another control plane has its state, its admin\nsocket or its port; with 77 when this user may not use its files.\n\nExample:\n  mesh controlplane --config /etc/mesh/controlplane.yaml',
    )
    .action(async ({ config, set }: DaemonOptions) => {
      const [{ controlPlaneSettings }, { runControlPlane }, { needsMending }, { DirectoryHeld }, { AdminSocketTaken }] =
        await Promise.all([
          import('../../controlplane/settings-schema.js'),
          import('../../controlplane/main.js'),
          import('../../controlplane/needs-mending.js'),
          import('../../common/hold-directory.js'),
          import('../../controlplane/admin/taken-socket.js'),
        ])
      const settings = await readSettings(controlPlaneSettings, config, EXIT.configuration, set)
      const log = daemonLog(settings.logLevel)
      ignoreHangup(log)
      try {
        const { state, admin, ca } = settings
        const places = [
          { setting: 'state.directory', path: state.directory },
          { setting: 'admin.socket', path: admin.socket },
          ...(ca.directory === undefined ? [] : [{ setting: 'ca.directory', path: ca.directory }]),
        ]
        const options = { settings, environment: process.env, log }
        await withRights(places, () => runControlPlane(options, shutdownSignal()))
      } catch (error) {
        if (needsMending(error)) throw new CommandFailure(EXIT.configuration, describeError(error))
        if (error instanceof DirectoryHeld || error instanceof AdminSocketTaken)
          throw new CommandFailure(EXIT.tryAgain, error.message, RUNS_ALREADY, error)
        if ((error as { code?: string }).code === 'EADDRINUSE') throw addressInUse(error as Error)
        throw error
      }
    })
}

function addressInUse(error: Error): CommandFailure {
  const hint =
    'another control plane (or demo) runs here, or another program has the port; `listen` in the settings moves it'
  return new CommandFailure(EXIT.tryAgain, error.message, hint, error)
}
