/**
 * Loaded into a process by `--import`: replaces pieces of text of modules as they are loaded. So a defence is
 * switched off without a changed file anywhere, in the process of the test and in those that the test starts.
 */
import { writeFileSync } from 'node:fs'
import { type LoadHook, register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** The environment variable that carries an array of {@link Change} as JSON. */
export const CHANGE = 'HOSTMESH_TEST_CHANGE'

/** What is changed in which module. */
export interface Change {
  /** The module's URL. */
  readonly url: string
  readonly find: string
  readonly replace: string
  /** A file that is written once the changed module is loaded. */
  readonly mark: string
}

let changes: readonly Change[] = []

/** Runs in the thread that loads modules. */
export function initialize(given: readonly Change[]): void {
  changes = given
}

/** Runs in the thread that loads modules, once for each of them. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context)
  const here = changes.filter((change) => change.url === url)
  if (here.length === 0) return loaded
  for (const { mark } of here) writeFileSync(mark, '')
  const source = here.reduce((text, { find, replace }) => text.replace(find, () => replace), String(loaded.source))
  return { ...loaded, source }
}

const text = process.env[CHANGE]
if (isMainThread && text !== undefined) register(import.meta.url, { data: JSON.parse(text) as readonly Change[] })
