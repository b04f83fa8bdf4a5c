import { join } from 'node:path'
import type { ControlPlaneSettings } from './settings-schema.js'
import { USUAL_CATALOG, USUAL_DOCUMENTS } from './settings-schema.js'

/** Where documents are looked for unless the settings name other directories. */
export const USUAL_DIRECTORIES: readonly string[] = [...USUAL_DOCUMENTS, USUAL_CATALOG]

/** Where the CA is: `ca.directory`, or `ca` in the state directory. */
export function caDirectory({ ca, state }: ControlPlaneSettings): string {
  return ca.directory ?? join(state.directory, 'ca')
}

/** All directories in which documents are looked for. */
export function configDirectories({ config, discovery }: ControlPlaneSettings): readonly string[] {
  return [...config, discovery.files]
}
