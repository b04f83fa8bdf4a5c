import type { Command } from 'commander'
import { CommandFailure, EXIT } from '../exit.js'
import type { Write } from '../output.js'
import { readSettings } from '../settings.js'
import { caIssueCommand } from './ca-issue.js'
import { configOption, type DaemonOptions } from './config-option.js'

/** `mesh ca init|issue`: the certificate authority of a mesh. */
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
      const { directory, trustDomain, id } = await readCaSettings(config)
      const { initAuthority } = await import('../../controlplane/ca/authority.js')
      const { rootFingerprint } = await refusing(initAuthority(directory, { trustDomain, controlPlaneId: id }))
      write(
        `certificate authority of ${trustDomain} made in ${directory}\nroot fingerprint (SHA-256): ${rootFingerprint}\n`,
      )
    })
  caIssueCommand(ca, write)
}

/** What the commands of the CA need of `controlplane.yaml`. @throws CommandFailure */
export async function readCaSettings(config: string) {
  const [{ controlPlaneSettings }, { caDirectory }] = await Promise.all([
    import('../../controlplane/settings-schema.js'),
    import('../../controlplane/directories.js'),
  ])
  const settings = await readSettings(controlPlaneSettings, config, EXIT.invalidInput)
  return { directory: caDirectory(settings), trustDomain: settings.trustDomain, id: settings.id }
}

/** Turns what is wrong with a CA into an end of the command. @throws CommandFailure */
export async function refusing<T>(work: Promise<T>): Promise<T> {
  const { AuthorityError } = await import('../../controlplane/ca/authority-error.js')
  try {
    return await work
  } catch (error) {
    if (error instanceof AuthorityError) throw new CommandFailure(EXIT.invalidInput, error.message)
    throw error
  }
}
