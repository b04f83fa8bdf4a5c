import { Option } from 'commander'

/** The option that names a settings file. */
export function configOption(fallback: string, variable: string): Option {
  return new Option('-c, --config <file>', 'settings file').env(variable).default(fallback)
}

/** The options of every daemon. */
export interface DaemonOptions {
  readonly config: string
}
