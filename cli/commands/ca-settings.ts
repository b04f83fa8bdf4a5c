import { CommandFailure, EXIT } from '../exit.js'
import { withRights } from '../no-permission.js'
import { readSettings } from '../settings.js'

/** What the commands of the CA need of `controlplane.yaml`. @throws CommandFailure */
export async function readCaSettings(config: string) {
  const [{ controlPlaneSettings }, { caDirectory }] = await Promise.all([
    import('../../controlplane/settings-schema.js'),
    import('../../controlplane/directories.js'),
  ])
  const settings = await readSettings(controlPlaneSettings, config, EXIT.invalidInput)
  return { directory: caDirectory(settings), trustDomain: settings.trustDomain, id: settings.id }
}

/** Turns what is wrong with a CA in a directory into an end of the command. @throws CommandFailure */
export async function refusing<T>(directory: string, work: Promise<T>): Promise<T> {
  const { AuthorityError } = await import('../../controlplane/ca/authority-error.js')
  try {
    return await withRights([{ setting: 'ca.directory', path: directory }], () => work)
  } catch (error) {
    if (error instanceof AuthorityError) throw new CommandFailure(EXIT.invalidInput, error.message)
    throw error
  }
}
