import type { Command } from 'commander'
import { VERSION } from '../../common/version.js'
import { outputOption, printValue, type Write } from '../output.js'

/** `mesh version`: the version of this command and of what it runs on. */
export function versionCommand(program: Command, write: Write): void {
  program
    .command('version')
    .description('print the version')
    .addOption(outputOption())
    .action(({ output }: { output: string }) => {
      const value = { mesh: VERSION, node: process.versions.node }
      if (!printValue(output, value, write)) write(`mesh ${VERSION} (Node ${process.versions.node})\n`)
    })
}
