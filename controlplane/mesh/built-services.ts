import type { Located } from '../../common/config/located.js'
import { type Inputs, Memo, MemoTable } from '../../common/memo/memo.js'
import type { Steps } from '../../common/memo/steps.js'
import type { Config } from '../config/config.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { type Authorizations, accessOfService, authorizationsByService } from './access.js'
import { calleesOf, type Lookup, restrict } from './destinations.js'
import { type BuiltPort, buildPort, needsNames, type RouteDocuments } from './port.js'
import type { Problems } from './report.js'
import type { ServicePort } from './service-ports.js'
import type { MeshSettings } from './settings.js'

/** The ports of one service, without their endpoints. */
export interface BuiltService {
  readonly ports: readonly BuiltPort[]
  readonly problems: Problems
}

/** What one build of the services leaves for the next. */
export class ServicesMemo {
  readonly services = new MemoTable<BuiltService>()
  readonly callees = new Memo<ReadonlyMap<string, readonly string[]>>()
  readonly authorizations = new Memo<(service: string) => Authorizations>()
}

/** All that one service is built from. */
interface ServiceParts {
  readonly service: string
  readonly ports: readonly ServicePort[]
  readonly document: Located<ServiceDocument> | undefined
  readonly routes: RouteDocuments | undefined
  readonly authorizations: Authorizations
  /** Whether what no document allows is refused. */
  readonly fallback: 'allow' | 'deny'
  readonly callees: readonly string[]
  /** Names of all services; none where they make no difference. */
  readonly known: readonly string[]
}

/** Builds all services that a lookup knows, in its order. */
export function* builtServices(
  lookup: Lookup,
  config: Config,
  settings: MeshSettings,
  memo: ServicesMemo,
): Steps<readonly BuiltService[]> {
  const parts = partsOf(lookup, config, memo)
  return yield* memo.services.each([...lookup.ports.keys()].map(parts), {
    key: ({ service }) => service,
    inputs: (one) => inputsOf(one, lookup, settings),
    make: (one) => buildService(one, restrict(lookup, [one.service, ...one.callees]), settings),
  })
}

function partsOf(lookup: Lookup, config: Config, memo: ServicesMemo): (service: string) => ServiceParts {
  const authorizationsOf = memo.authorizations.get([config.authorizations], () =>
    authorizationsByService(config.authorizations),
  )
  const callees = memo.callees.get(
    [config.routes],
    () => new Map([...config.routes].map(([service, documents]) => [service, calleesOf(documents.values())])),
  )
  return (service) => {
    const ports = lookup.ports.get(service) ?? []
    const authorizations = authorizationsOf(service)
    return {
      service,
      ports,
      document: lookup.services.get(service),
      routes: config.routes.get(service),
      authorizations,
      fallback: config.mesh?.value.authorization ?? 'allow',
      callees: callees.get(service) ?? [],
      known: needsNames(ports, authorizations) ? [...lookup.ports.keys()] : [],
    }
  }
}

function inputsOf(
  { ports, document, routes, authorizations, fallback, callees, known }: ServiceParts,
  lookup: Lookup,
  { trustDomain, domain }: MeshSettings,
): Inputs {
  return [
    ports,
    document,
    routes,
    fallback,
    trustDomain,
    domain,
    ...authorizations,
    ...callees.flatMap((callee) => [lookup.ports.get(callee), lookup.services.get(callee)]),
    ...known,
  ]
}

function buildService(
  { service, ports, document, routes, authorizations, fallback, known }: ServiceParts,
  lookup: Lookup,
  settings: MeshSettings,
): BuiltService {
  const problems: Problems = []
  const access = accessOfService(service, authorizations, fallback)
  const context = { siblings: ports, document, routes, access, settings, lookup, known, problems }
  return { ports: ports.map((port) => buildPort(port, context)), problems }
}
