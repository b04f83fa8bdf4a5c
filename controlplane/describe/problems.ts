import type { ProblemView } from '../../common/admin-api.js'
import { type Located, parsePath } from '../../common/config/located.js'
import { formatPlace, type Problem } from '../../common/problem.js'
import type { Config } from '../config/config.js'
import { names } from '../mesh/access.js'

/** What tells that a problem concerns a service. */
export interface Concern {
  readonly service: string
  readonly config: Config
  /** Those with an instance of it. */
  readonly hosts: ReadonlySet<string>
  /** The files in which hosts have it: `web-1:services.d/web.yaml`. */
  readonly sources: readonly string[]
}

/**
 * Chooses the problems that name a service, are errors of its hosts, or stand in a file with a document about it, in a
 * directory of such files, or in a file with its name: what is invalid as a whole need not tell what it is about.
 */
export function problemsOf(concern: Concern, all: readonly ProblemView[]): readonly ProblemView[] {
  const { service, config, hosts, sources } = concern
  const files = new Set([...filesOf(service, config), ...sources])
  return all.filter(({ place, severity, message }) => {
    const file = place.replace(/(?::\d+){1,2}$/, '')
    return (
      mentions(message, service) ||
      files.has(file) ||
      sources.some((source) => source.startsWith(`${file}/`)) ||
      stemOf(file) === service ||
      (severity === 'error' && hosts.has(place))
    )
  })
}

/** `web` of `web-1:services.d/web.yaml`. */
function stemOf(file: string): string | undefined {
  return /([^/:]+)\.ya?ml$/.exec(file)?.[1]
}

/** Whether a text has the name of the service as a word. */
export function mentions(text: string, service: string): boolean {
  return text.split(/[^a-z0-9-]+/).includes(service)
}

/** Why a document is left out as a whole: the first of its problems. */
export function leftOutBecause(document: Located<unknown>, problems: readonly Problem[]): string {
  const fault = problems.find((problem) => problem.severity === 'error' && isIn(document, problem))
  if (fault === undefined) return 'its document is left out'
  return `its document is left out: ${fault.message} (${formatPlace(fault)})`
}

/** Several documents may be in one file: a problem is in the one where its path leads to its place. */
function isIn({ locate }: Located<unknown>, { file, line, column, path }: Problem): boolean {
  const place = locate(parsePath(path))
  return place.file === file && place.line === line && place.column === column
}

function filesOf(service: string, { services, routes, catalogs, authorizations }: Config): ReadonlySet<string> {
  const documents = [
    services.get(service),
    catalogs.get(service),
    ...(routes.get(service)?.values() ?? []),
    ...authorizations.filter(({ value }) => names(value, service)),
  ]
  return new Set(documents.flatMap((document) => (document === undefined ? [] : [document.location.file])))
}
