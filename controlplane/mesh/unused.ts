import type { DocumentPath, Located } from '../../common/config/located.js'
import type { Problem } from '../../common/problem.js'
import type { Config } from '../config/config.js'
import type { AuthorizationDocument } from '../config/schema/authorization.js'
import type { Lookup } from './destinations.js'
import { problemAt } from './report.js'

/** Documents that have no effect now: about services that do not exist, or that no Envoy enforces for. */
export function unusedDocuments(config: Config, { ports }: Lookup): readonly Problem[] {
  const reach = new Map(
    [...ports].flatMap(([service, [first]]) => (first === undefined ? [] : [[service, first.reach]])),
  )
  return [
    ...[...config.services.values()].flatMap((document) => unknownService(document, document.value.service, reach)),
    ...[...config.routes.values()].flatMap((byPort) =>
      [...byPort.values()].flatMap((document) => [
        ...unknownService(document, document.value.service, reach),
        ...unknownPort(document, ports),
      ]),
    ),
    ...config.authorizations.flatMap((document) =>
      protectedBy(document.value).flatMap(({ service, path }) => [
        ...unknownService(document, service, reach, path),
        ...unprotected(document, service, reach, path),
      ]),
    ),
  ]
}

/** The services that a document names, each with its place. `*` names none: it is about those that there are. */
function protectedBy({ service, services }: AuthorizationDocument) {
  const one = service === undefined || service === '*' ? [] : [{ service, path: ['service'] }]
  return [...one, ...(services ?? []).map((name, index) => ({ service: name, path: ['services', index] }))]
}

function unknownService(
  document: Located<unknown>,
  service: string,
  reach: ReadonlyMap<string, string>,
  path: DocumentPath = ['service'],
): readonly Problem[] {
  if (reach.has(service)) return []
  const message = `there is no service ${service} now; the document waits for it`
  return [problemAt(document, path, { code: 'MSH0304', severity: 'notice', message })]
}

function unknownPort(
  document: Located<{ readonly service: string; readonly port?: string | undefined }>,
  ports: Lookup['ports'],
): readonly Problem[] {
  const { service, port } = document.value
  const known = (ports.get(service) ?? []).map(({ portName }) => portName)
  if (port === undefined || known.length === 0 || known.includes(port)) return []
  const message = `${service} has no port ${port}; it has ${known.join(', ')}`
  return [problemAt(document, ['port'], { code: 'MSH0302', message })]
}

function unprotected(
  document: Located<unknown>,
  service: string,
  reach: ReadonlyMap<string, string>,
  path: DocumentPath,
): readonly Problem[] {
  if (reach.get(service) !== 'plain') return []
  return [
    problemAt(document, path, {
      code: 'MSH0310',
      message: `${service} is outside the mesh: it has no Envoy that could enforce this`,
      hint: 'give its hosts an agent, or protect it by other means',
    }),
  ]
}
