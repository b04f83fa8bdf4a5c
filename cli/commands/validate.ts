import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { CommandFailure, EXIT } from '../exit.js'
import { outputOption, printValue, type Write } from '../output.js'
import { formatProblems, readSettings } from '../settings.js'
import { configOption, type DaemonOptions } from './config-option.js'

interface ValidateOptions extends Pick<DaemonOptions, 'config'> {
  readonly output: string
}

/** `mesh validate`: reads documents as the control plane does and says what is wrong with them. */
export function validateCommand(program: Command, write: Write): void {
  program
    .command('validate')
    .description('check documents with the code that the control plane reads them with')
    .argument('[directory...]', 'directories to check; those of the settings unless given')
    .addOption(configOption('/etc/mesh/controlplane.yaml', 'MESH_CONTROLPLANE_CONFIG'))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nEnds with 65 when there are errors.\n\nExamples:\n  mesh validate\n  mesh validate ./mesh.d ./routes.d',
    )
    .action(async (directories: string[], { config, output }: ValidateOptions) => {
      const { readConfig } = await import('../../controlplane/config/watch.js')
      const wanted = directories.length > 0 ? directories : await configuredDirectories(config)
      for (const directory of directories) await needDirectory(directory)
      const { problems, files, config: read } = await readConfig(wanted)
      if (!printValue(output, { files, problems }, write)) {
        if (problems.length > 0) write(`${formatProblems(problems)}\n`)
        const { services, routes } = read
        if (!problems.some(({ severity }) => severity === 'error')) {
          write(`OK: ${count(files, 'file')}, ${count(services.size, 'service')}, ${count(routes.size, 'route')}\n`)
        }
      }
      if (problems.some(({ severity }) => severity === 'error')) process.exitCode = EXIT.invalidInput
    })
}

async function configuredDirectories(config: string): Promise<readonly string[]> {
  const [{ controlPlaneSettings }, { configDirectories }] = await Promise.all([
    import('../../controlplane/settings-schema.js'),
    import('../../controlplane/directories.js'),
  ])
  return configDirectories(await readSettings(controlPlaneSettings, config, EXIT.invalidInput))
}

async function needDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) throw new CommandFailure(EXIT.noSuchFile, `no such directory: ${path}`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
