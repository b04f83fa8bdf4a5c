import type { Command } from 'commander'
import type { Write } from '../output.js'
import { caIssueCommand } from './ca-issue.js'
import { readCaSettings, refusing } from './ca-settings.js'
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
      const { rootFingerprint } = await refusing(
        directory,
        initAuthority(directory, { trustDomain, controlPlaneId: id }),
      )
      write(
        `certificate authority of ${trustDomain} made in ${directory}\nroot fingerprint (SHA-256): ${rootFingerprint}\n`,
      )
    })
  caIssueCommand(ca, write)
}
