import { isDeepStrictEqual } from 'node:util'
import { type FileSet, type FileSetOptions, readFiles, watchFiles } from '../../common/config/file-set.js'
import { LastGoodStore } from '../../common/config/last-good.js'
import { newProblems } from '../../common/config/news.js'
import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import { formatProblem, type Problem } from '../../common/problem.js'
import type { Task } from '../../common/tasks.js'
import { USUAL_DIRECTORIES } from '../directories.js'
import { refuseToLeaveOpen } from './left-open.js'
import { ConfigLoader, type LoadedConfig } from './load.js'

export type { LoadedConfig } from './load.js'

/** Reads the directories once, as the daemon does but with nothing kept: what `mesh validate` judges. */
export async function readConfig(directories: readonly string[]): Promise<LoadedConfig> {
  return new ConfigLoader().load(await readFiles(directories, { needed: needed(directories) }), Date.now()).loaded
}

/** A configuration that follows its files while `watch` runs. */
export interface OpenConfig {
  readonly loaded: Latest<LoadedConfig>
  /** When all directories could be looked at last, wall-clock milliseconds. */
  readonly readAt: () => number
  readonly watch: Task
}

/**
 * Reads the directories, with the last good version of what is not valid now, and then keeps the configuration up to
 * date for as long as `watch` runs.
 *
 * @param stateDirectory where the last good documents are kept
 * @throws {LeftOpenError} where that would open a service that a document closes
 */
export async function openConfig(
  directories: readonly string[],
  stateDirectory: string,
  log: Log,
): Promise<OpenConfig> {
  const store = new LastGoodStore(stateDirectory, 'last-good-documents.json', log)
  const before = await store.read()
  const loader = new ConfigLoader(before)
  const first = await firstFiles(directories)
  const start = loader.load(first, Date.now())
  for (const problem of start.loaded.problems) report(problem, log)
  refuseToLeaveOpen(start.unheeded, before === undefined)
  await store.write(start.lastGood)
  const loaded = new Latest(start.loaded)
  let readAt = Date.now()
  const looked = () => {
    readAt = Date.now()
  }
  const watch: Task = async (signal) => {
    let before = first
    for await (const files of watchFiles(directories, signal, { looked, needed: needed(directories) })) {
      if (isDeepStrictEqual(files, before)) continue
      before = files
      const next = loader.load(files, Date.now())
      for (const problem of newProblems(loaded.value.problems, next.loaded.problems)) report(problem, log)
      loaded.set(next.loaded)
      await store.write(next.lastGood)
    }
  }
  return { loaded, watch, readAt: () => readAt }
}

/** The files as soon as none of them is being written. */
async function firstFiles(directories: readonly string[]): Promise<FileSet> {
  const end = new AbortController()
  const options: FileSetOptions = { events: () => async () => {}, needed: needed(directories) }
  for await (const files of watchFiles(directories, end.signal, options)) return files
  throw new Error('unreachable: a signal that nobody aborts')
}

/** Directories that nobody named are looked at in case that they are there; any other one that is missing is a mistake. */
function needed(directories: readonly string[]): readonly string[] {
  return directories.filter((directory) => !USUAL_DIRECTORIES.includes(directory))
}

function report(problem: Problem, log: Log): void {
  if (problem.severity === 'error') log.error('configuration problem', { problem: formatProblem(problem) })
  else log.info('configuration notice', { problem: formatProblem(problem) })
}
