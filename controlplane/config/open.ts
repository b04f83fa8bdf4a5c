import { type LastGood, LastGoodStore } from '../../common/config/accepted.js'
import { DocumentReader } from '../../common/config/documents.js'
import { type FileSet, openFiles, readFiles } from '../../common/config/stable-files.js'
import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import { compareProblems, formatProblem, type Problem } from '../../common/problem.js'
import type { Task } from '../../common/tasks.js'
import { assembleConfig } from './assemble.js'
import type { Config } from './config.js'
import { parseDocument } from './parse.js'
import type { MeshConfigDocument } from './schema/documents.js'

/** The configuration as it was last read. */
export interface LoadedConfig {
  readonly config: Config
  readonly problems: readonly Problem[]
  /** Wall-clock milliseconds. */
  readonly loadedAt: number
  /** How many files were read, and how many documents are in effect. */
  readonly files: number
  readonly documents: number
}

/** Reads the directories once, as the daemon does but without anything kept: what `mesh validate` judges. */
export async function readConfig(directories: readonly string[]): Promise<LoadedConfig> {
  return new ConfigReader(new Map()).read(await readFiles(directories), Date.now())
}

/**
 * Reads the directories, with the last good versions of what is not valid now, and then keeps the configuration up to
 * date for as long as `watch` runs.
 */
export async function openConfig(
  directories: readonly string[],
  stateDirectory: string,
  log: Log,
): Promise<{ readonly loaded: Latest<LoadedConfig>; readonly watch: Task }> {
  const store = new LastGoodStore(stateDirectory, 'last-good-documents.json', log)
  const reader = new ConfigReader(await store.read())
  const files = await openFiles(directories)
  const loaded = new Latest(reader.read(files.first, Date.now()))
  reportProblems([], loaded.value.problems, log)
  await store.write(reader.lastGood)
  const watch: Task = async (signal) => {
    for await (const changed of files.changes(signal)) {
      const before = loaded.value
      const next = reader.read(changed, Date.now())
      reportProblems(before.problems, next.problems, log)
      loaded.set(next)
      await store.write(reader.lastGood)
    }
  }
  return { loaded, watch }
}

class ConfigReader {
  readonly #reader: DocumentReader<MeshConfigDocument>
  #owners: ReadonlyMap<string, string>
  lastGood: LastGood

  constructor(lastGood: LastGood) {
    this.#reader = new DocumentReader(parseDocument, lastGood)
    this.#owners = new Map(
      [...lastGood].flatMap(([file, documents]) => documents.map(({ identity }) => [identity, file] as const)),
    )
    this.lastGood = lastGood
  }

  read(files: FileSet, now: number): LoadedConfig {
    const { accepted, problems, lastGood } = this.#reader.read(files, now)
    const assembled = assembleConfig(accepted, this.#owners)
    this.#owners = assembled.owners
    this.lastGood = lastGood
    return {
      config: assembled.config,
      problems: [...problems, ...assembled.problems].sort(compareProblems),
      loadedAt: now,
      files: files.files.length,
      documents: accepted.length,
    }
  }
}

/** Logs problems that were not there before. */
function reportProblems(before: readonly Problem[], now: readonly Problem[], log: Log): void {
  const known = new Set(before.map(formatProblem))
  for (const problem of now) {
    const text = formatProblem(problem)
    if (known.has(text)) continue
    if (problem.severity === 'error') log.error('configuration problem', { problem: text })
    else log.info('configuration notice', { problem: text })
  }
}
