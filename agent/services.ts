import { isDeepStrictEqual } from 'node:util'
import { DocumentReader } from '../common/config/document-reader.js'
import { type FileSet, type FileSetOptions, readFiles, watchFiles } from '../common/config/file-set.js'
import { type LastGood, LastGoodStore } from '../common/config/last-good.js'
import type { Located } from '../common/config/located.js'
import { newProblems } from '../common/config/news.js'
import type { FileOwner } from '../common/config/read-file.js'
import { problemAt } from '../common/config/validate.js'
import type { Log } from '../common/log.js'
import { formatProblem, type Problem } from '../common/problem.js'
import type { Task } from '../common/tasks.js'
import { distrustFile } from './file-owner.js'
import type { HostState } from './host-state.js'
import { InboundPortStore, placeServices } from './inbound-ports.js'
import { instanceKey, interpretService, type ServiceFile } from './service-file.js'
import type { AgentSettings } from './settings-schema.js'
import { makeSocketDirectories, socketDirectory } from './upstream-sockets.js'

/** Keeps the services of this host and the problems of their files up to date, for as long as the signal does not abort. */
export function watchServices(
  settings: AgentSettings,
  { services, problems: found }: Pick<HostState, 'services' | 'problems'>,
  log: Log,
): Task {
  return async (signal) => {
    const store = new LastGoodStore(settings.stateDirectory, 'last-good-services.json', log)
    const loader = new ServicesLoader(await store.read(), socketDirectory(settings))
    const ownUser = process.getuid?.() ?? 0
    const portStore = new InboundPortStore(settings.stateDirectory, log)
    let ports = await portStore.read()
    for await (const files of watchFiles([settings.servicesDirectory], signal, {
      refuse: (owner) => refuseOwner(owner, ownUser),
    })) {
      const loaded = loader.load(files, Date.now())
      const next = placeServices(ports, loaded.services, rangeOf(settings))
      if (next.ports !== ports) await portStore.write(next.ports)
      ports = next.ports
      const unmade = await makeSocketDirectories(socketDirectory(settings), loaded.services)
      const problems = [...loaded.problems, ...unmade, ...next.unplaced.map((service) => noPort(service, settings))]
      for (const problem of newProblems(found.value, problems)) report(problem, log)
      // Before the services: what is reported of both is of one moment.
      if (!isDeepStrictEqual(found.value, problems)) found.set(problems)
      if (!isDeepStrictEqual(services.value, next.placed)) services.set(next.placed)
      await store.write(loaded.lastGood)
    }
  }
}

/**
 * Reads service files once, as they are now. What `mesh validate` asks for.
 *
 * @param options whose files are refused, and which directories have to be there; absent: none
 */
export async function readServices(
  directories: readonly string[],
  options: Pick<FileSetOptions, 'refuse' | 'needed'> = {},
): Promise<LoadedServices & { readonly files: number }> {
  const read = await readFiles(directories, options)
  return { ...new ServicesLoader().load(read, Date.now()), files: read.files.length }
}

/** The services of a host, what is wrong with their files, and what to keep for the next start. */
export interface LoadedServices {
  /** In the order of files and lines; one that did not change is the same object as before. */
  readonly services: readonly ServiceFile[]
  readonly problems: readonly Problem[]
  readonly lastGood: LastGood
}

/** Turns service files into services, over and over; keeps what was good where something is invalid now. */
export class ServicesLoader {
  readonly #reader: DocumentReader<ServiceFile>

  /**
   * @param lastGood what was in effect before this process started
   * @param sockets the directory below which Unix sockets are made; absent: that of some host, whose settings are not known
   */
  constructor(lastGood: LastGood = new Map(), sockets?: string) {
    this.#reader = new DocumentReader(
      { interpret: (document) => interpretService(document, sockets), addsUp: () => false, duplicate },
      lastGood,
    )
  }

  /** @param now wall-clock milliseconds */
  load(files: FileSet, now: number): LoadedServices {
    const { documents, problems, lastGood } = this.#reader.read(files, now)
    return { services: documents.map(({ value }) => value), problems, lastGood }
  }
}

/** Service files can make programs run as the agent's user, so nobody but that user and root may write them. */
export function refuseOwner(owner: FileOwner, ownUser: number): Pick<Problem, 'message' | 'hint'> | undefined {
  const distrust = distrustFile(owner, ownUser)
  return distrust && { message: `not read: ${distrust.reason}`, hint: distrust.hint }
}

function duplicate(refused: Located<ServiceFile>, kept: Located<ServiceFile>): Problem {
  const { file, line } = kept.location
  const message = `${instanceKey(kept.value)} stands in ${file}:${line} already; several instances of a service differ in their first port`
  return problemAt(refused, { code: 'MSH0250', path: ['service'], message, hint: 'remove one of them' })
}

function rangeOf({ inbound }: AgentSettings) {
  return { ...inbound.morePorts, taken: inbound.port }
}

function noPort(service: ServiceFile, { inbound }: AgentSettings): Problem {
  const { first, last } = inbound.morePorts
  const message = `no inbound port is left for ${instanceKey(service)}: ${first}-${last} are all taken`
  return {
    ...service.location,
    code: 'MSH0253',
    severity: 'error',
    path: 'service',
    message,
    hint: 'widen inbound.morePorts in agent.yaml',
  }
}

function report(problem: Problem, log: Log): void {
  if (problem.severity === 'error') log.error('service file problem', { problem: formatProblem(problem) })
  else log.info('service file notice', { problem: formatProblem(problem) })
}
