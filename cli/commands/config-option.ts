import { existsSync } from 'node:fs'
import { InvalidArgumentError, Option } from 'commander'

/** The option that names a settings file. One that is named has to exist; without the usual one defaults hold. */
export function configOption(fallback: string, variable: string): Option {
  return new Option('-c, --config <file>', 'settings file').argParser(existingFile).env(variable).default(fallback)
}

function existingFile(path: string): string {
  if (existsSync(path)) return path
  throw new InvalidArgumentError('There is no such file.')
}

/** The option that over-rides single settings; repeatable. */
export function setOption(): Option {
  return new Option('--set <setting=value>', 'a setting over the environment and the file; repeatable').argParser(
    (text: string, earlier: readonly string[] = []) => [...earlier, assignment(text)],
  )
}

function assignment(text: string): string {
  if (/^[^=\s]+=/.test(text)) return text
  throw new InvalidArgumentError('Write setting=value, such as logLevel=debug.')
}

/** The options of every daemon. */
export interface DaemonOptions {
  readonly config: string
  readonly set?: readonly string[]
}
