/**
 * Loaded into a process by `--import`: replaces one piece of text of one module as it is loaded. So a defence is
 * switched off without a changed file anywhere, in the process of the test and in those that the test starts.
 */
import { writeFileSync } from 'node:fs'
import { type LoadHook, register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** The environment variable that carries a {@link Change} as JSON. */
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

let change: Change | undefined

/** Runs in the thread that loads modules. */
export function initialize(given: Change): void {
  change = given
}

/** Runs in the thread that loads modules, once for each of them. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context)
  if (url !== change?.url) return loaded
  writeFileSync(change.mark, '')
  return { ...loaded, source: String(loaded.source).replace(change.find, () => change?.replace ?? '') }
}

const text = process.env[CHANGE]
if (isMainThread && text !== undefined) register(import.meta.url, { data: JSON.parse(text) as Change })
