import { readFileSync } from 'node:fs'

/** The version of Hostmesh, from the package's own description beside the built code. */
export const VERSION: string = readVersion()

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
