import type { Located } from '../../common/config/located.js'
import type { Problem } from '../../common/problem.js'
import type { Config } from '../config/config.js'
import type { Lookup } from './destinations.js'
import { problemAt } from './report.js'

/** Documents that have no effect now: about services that do not exist, or that no Envoy enforces for. */
export function unusedDocuments(config: Config, { ports }: Lookup): readonly Problem[] {
  const reach = new Map([...ports.values()].map((port) => [port.service, port.reach]))
  return [
    ...[...config.services.values()].flatMap((document) => unknownService(document, document.value.service, reach)),
    ...[...config.routes.values()].flatMap((byPort) =>
      [...byPort.values()].flatMap((document) => [
        ...unknownService(document, document.value.service, reach),
        ...unknownPort(document, ports),
      ]),
    ),
    ...config.authorizations.flatMap((document) => {
      const { service, services = service === undefined ? [] : [service] } = document.value
      return services
        .filter((one) => one !== '*')
        .flatMap((one) => [...unknownService(document, one, reach), ...unprotected(document, one, reach)])
    }),
  ]
}

function unknownService(
  document: Located<unknown>,
  service: string,
  reach: ReadonlyMap<string, string>,
): readonly Problem[] {
  if (reach.has(service)) return []
  const message = `there is no service ${service} now; the document waits for it`
  return [problemAt(document, ['service'], { code: 'MSH0304', severity: 'notice', message })]
}

function unknownPort(
  document: Located<{ readonly service: string; readonly port?: string | undefined }>,
  ports: Lookup['ports'],
): readonly Problem[] {
  const { service, port } = document.value
  const known = [...ports.values()].filter((one) => one.service === service).map(({ portName }) => portName)
  if (port === undefined || known.length === 0 || known.includes(port)) return []
  const message = `${service} has no port ${port}; it has ${known.join(', ')}`
  return [problemAt(document, ['port'], { code: 'MSH0302', message })]
}

function unprotected(
  document: Located<unknown>,
  service: string,
  reach: ReadonlyMap<string, string>,
): readonly Problem[] {
  if (reach.get(service) !== 'plain') return []
  return [
    problemAt(document, ['service'], {
      code: 'MSH0310',
      message: `${service} is outside the mesh: it has no Envoy that could enforce this`,
      hint: 'give its hosts an agent, or protect it by other means',
    }),
  ]
}
