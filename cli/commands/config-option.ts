import { Option } from 'commander'

/** The option that names a settings file. */
export function configOption(fallback: string, variable: string): Option {
  return new Option('-c, --config <file>', 'settings file').env(variable).default(fallback)
}

/** The option that over-rides single settings; repeatable. */
export function setOption(): Option {
  return new Option('--set <setting=value>', 'a setting over the environment and the file; repeatable')
    .argParser((text: string, earlier: readonly string[]) => [...earlier, text])
    .default([])
}

/** The options of every daemon. */
export interface DaemonOptions {
  readonly config: string
  readonly set: readonly string[]
}
