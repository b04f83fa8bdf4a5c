import type { Problem } from '../../common/problem.js'
import type { Config } from '../config/config.js'
import { names } from '../mesh/access.js'

/** Whether a problem names the service, or stands in a file that has a document about it. */
export function concerns({ file, message }: Problem, service: string, config: Config): boolean {
  const words = message.split(/[^a-z0-9-]+/)
  return words.includes(service) || filesOf(service, config).has(file)
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
