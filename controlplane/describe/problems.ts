import type { ProblemView } from '../../common/admin-api.js'
import { type Located, parsePath } from '../../common/config/located.js'
import { formatPlace, type Problem } from '../../common/problem.js'
import type { Config } from '../config/config.js'
import { names } from '../mesh/access.js'

/** Chooses the problems that name a service, stand in a file with a document about it, or are errors of these hosts. */
export function problemsOf(
  service: string,
  config: Config,
  hosts: ReadonlySet<string>,
  all: readonly ProblemView[],
): readonly ProblemView[] {
  const files = filesOf(service, config)
  return all.filter(
    ({ place, severity, message }) =>
      mentions(message, service) ||
      files.has(place.replace(/(?::\d+){1,2}$/, '')) ||
      (severity === 'error' && hosts.has(place)),
  )
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
