import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { IssuedIntermediate } from '../../controlplane/ca/issue-intermediate.js'
import { CommandFailure, EXIT } from '../exit.js'
import type { Write } from '../output.js'
import { readCaSettings, refusing } from './ca-settings.js'
import { configOption, type DaemonOptions } from './config-option.js'

interface IssueOptions extends DaemonOptions {
  readonly id?: string
  readonly out?: string
  readonly rootKey?: string
  readonly renew?: boolean
}

const HELP = `
Run it where the root's certificate is: on the first control plane, or on any machine with its root.pem and bundle.pem.
The directory that it makes holds the private key of the new intermediate. Carry it over a channel that you trust.

Examples:
  mesh ca issue --id cp-2 --out cp-2-ca
  mesh ca issue --id cp-2 --out cp-2-ca --root-key /media/safe/root.key
  mesh ca issue --renew --root-key /media/safe/root.key`

/** `mesh ca issue`: intermediates for other control planes, and new ones in time. */
export function caIssueCommand(ca: Command, write: Write): void {
  ca.command('issue')
    .description("have the root sign an intermediate: another control plane's, or a new one for this (--renew)")
    .option('--id <id>', 'the control plane that gets it; with --renew: this one')
    .option('--out <directory>', 'where to make its CA directory; with --renew: the CA directory to renew')
    .option('--root-key <file>', "the root's key, when it is kept elsewhere")
    .option('--renew', 'replace the intermediate, with a new key, for another 90 days')
    .addOption(configOption('/etc/mesh/controlplane.yaml', 'MESH_CONTROLPLANE_CONFIG'))
    .addHelpText('after', HELP)
    .action(async (options: IssueOptions) => {
      const settings = await readCaSettings(options.config)
      if (options.renew === true) await renew(options, settings, write)
      else await issue(options, settings.directory, write)
    })
}

type CaSettings = Awaited<ReturnType<typeof readCaSettings>>

async function issue({ id, out, rootKey }: IssueOptions, rootDirectory: string, write: Write): Promise<void> {
  if (id === undefined) throw new CommandFailure(EXIT.usage, 'which control plane? write --id cp-2')
  const directory = resolve(out ?? `${id}-ca`)
  const { issueIntermediate } = await import('../../controlplane/ca/issue-intermediate.js')
  const issued = await refusing(directory, issueIntermediate(directory, orderOf(id, rootDirectory, rootKey)))
  write(
    `intermediate of ${id} in ${issued.trustDomain} made, valid until ${dateOf(issued)}: ${directory}
1. copy this directory to ${id} as its CA directory (/var/lib/mesh-controlplane/ca, unless ca.directory says otherwise)
2. there: it and its files belong to the user of the control plane alone (chmod 700, files 600)
3. there: controlplane.yaml has id: ${id} and trustDomain: ${issued.trustDomain}
4. here: remove the directory, it holds a private key
`,
  )
}

async function renew({ id, out, rootKey }: IssueOptions, settings: CaSettings, write: Write): Promise<void> {
  if (out !== undefined && id === undefined) throw new CommandFailure(EXIT.usage, 'whose intermediate? write --id cp-2')
  const name = id ?? settings.id
  if (out === undefined && name !== settings.id) {
    const hint = `"mesh ca issue --id ${name} --out DIRECTORY --renew" renews a directory that you name`
    throw new CommandFailure(EXIT.usage, `this control plane is ${settings.id}, not ${name}`, hint)
  }
  const directory = resolve(out ?? settings.directory)
  const { renewIntermediate } = await import('../../controlplane/ca/issue-intermediate.js')
  const issued = await refusing(directory, renewIntermediate(directory, orderOf(name, settings.directory, rootKey)))
  write(
    `intermediate of ${name} in ${issued.trustDomain} renewed, valid until ${dateOf(issued)}: ${directory}
restart its control plane to use it; requests flow meanwhile, and no certificate becomes invalid
`,
  )
}

function orderOf(controlPlaneId: string, rootDirectory: string, rootKeyFile: string | undefined) {
  return { controlPlaneId, rootDirectory, ...(rootKeyFile === undefined ? {} : { rootKeyFile }) }
}

function dateOf({ notAfter }: IssuedIntermediate): string {
  return new Date(notAfter).toISOString().slice(0, 10)
}
