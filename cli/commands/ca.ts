import type { Command } from 'commander'
import { CommandFailure, EXIT } from '../exit.js'
import type { Write } from '../output.js'
import { readSettings } from '../settings.js'
import { configOption, type DaemonOptions } from './config-option.js'

/** `mesh ca init`: makes the certificate authority of a mesh. */
export function caCommand(program: Command, write: Write): void {
  const ca = program.command('ca').description('the certificate authority of the mesh')
  ca.command('init')
    .description('make the root and the intermediate of the first control plane; nothing is ever overwritten')
    .addOption(configOption('/etc/mesh/controlplane.yaml', 'MESH_CONTROLPLANE_CONFIG'))
    .addHelpText(
      'after',
      '\nMove root.key to a safe place afterwards: it is needed only for new intermediates.\n\nExample:\n  mesh ca init --config /etc/mesh/controlplane.yaml',
    )
    .action(async ({ config }: DaemonOptions) => {
      const [{ controlPlaneSettings }, { caDirectory }, { initAuthority }, { AuthorityError }] = await Promise.all([
        import('../../controlplane/settings-schema.js'),
        import('../../controlplane/directories.js'),
        import('../../controlplane/ca/authority.js'),
        import('../../controlplane/ca/authority-error.js'),
      ])
      const settings = await readSettings(controlPlaneSettings, config, EXIT.invalidInput)
      const directory = caDirectory(settings)
      try {
        const { trustDomain, id: controlPlaneId } = settings
        const { rootFingerprint } = await initAuthority(directory, { trustDomain, controlPlaneId })
        write(
          `certificate authority of ${trustDomain} made in ${directory}\nroot fingerprint (SHA-256): ${rootFingerprint}\n`,
        )
      } catch (error) {
        if (error instanceof AuthorityError) throw new CommandFailure(EXIT.invalidInput, error.message)
        throw error
      }
    })
}
