import { matchesPattern } from '../../common/config/fields.js'
import { hostId, serviceId } from '../../common/identity.js'
import { namesExactly, type PlacedRule, principalOf, type ServiceAccess } from './access.js'
import type { Principal, TcpAllowList } from './mesh.js'
import { type Problems, problemAt } from './report.js'
import type { MeshSettings } from './settings.js'

/** The port that a list is for. */
export interface TcpPort {
  /** `ledger/main` */
  readonly name: string
  readonly service: string
  /** Whether the service has an http port too, to which rules about requests may belong. */
  readonly besideHttp: boolean
}

/**
 * Who may open a connection to a tcp port. It is enforced in the TLS handshake, where lists cannot say "not": what is
 * denied is taken out of everybody that the mesh knows.
 *
 * A rule that speaks of requests cannot be kept for bytes. Where its document names this service, which has nothing but
 * tcp, it is an error; in any case it fails safe: such an allow grants nothing, such a deny refuses the callers
 * altogether.
 *
 * @param known names of all services
 */
export function tcpAllowList(
  port: TcpPort,
  access: ServiceAccess,
  known: readonly string[],
  settings: MeshSettings,
  problems: Problems,
): TcpAllowList {
  for (const placed of access.rules.filter(({ rule }) => rule.to !== undefined)) {
    problems.push(requestRule(port, placed))
  }
  const deny = access.rules.filter(({ effect }) => effect === 'deny').map(({ rule }) => rule)
  const allow = access.rules.filter(({ effect, rule }) => effect === 'allow' && rule.to === undefined)
  const patterns: readonly Pattern[] = access.closed
    ? allow.flatMap<Pattern>(({ rule }) => rule.from?.services ?? [EVERYBODY])
    : [EVERYBODY]
  const denied = deny.flatMap<Pattern>(({ from }) => from?.services ?? [EVERYBODY])
  return {
    name: port.name,
    principals: principalsOf(patterns, denied, known, settings),
  }
}

/** Stands for all services and, unlike the pattern `*`, for calls of hosts too. */
const EVERYBODY = Symbol('everybody')

type Pattern = string | typeof EVERYBODY

function principalsOf(
  patterns: readonly Pattern[],
  denied: readonly Pattern[],
  known: readonly string[],
  settings: MeshSettings,
): readonly Principal[] {
  if (denied.includes(EVERYBODY)) return []
  const { trustDomain } = settings
  const hosts: Principal[] = patterns.includes(EVERYBODY) ? [{ kind: 'prefix', prefix: hostId(trustDomain, '') }] : []
  const wanted = [...new Set(patterns.map((pattern) => (pattern === EVERYBODY ? '*' : pattern)))]
  if (denied.length === 0) return [...wanted.map((pattern) => principalOf(pattern, settings)), ...hosts].sort(byText)
  const refused = (service: string) =>
    denied.some((pattern) => pattern !== EVERYBODY && matchesPattern(pattern, service))
  const names = new Set([...known, ...wanted.filter((pattern) => !pattern.endsWith('*'))])
  const services = [...names].filter(
    (service) => !refused(service) && wanted.some((pattern) => matchesPattern(pattern, service)),
  )
  return [
    ...services.map((service): Principal => ({ kind: 'exact', spiffeId: serviceId(trustDomain, service) })),
    ...hosts,
  ].sort(byText)
}

function requestRule(port: TcpPort, { document, path, effect }: PlacedRule) {
  const meant = namesExactly(document.value, port.service) && !port.besideHttp
  const outcome = effect === 'allow' ? 'it grants nothing' : 'it refuses these callers altogether'
  return problemAt(document, [...path, 'to'], {
    code: 'MSH0309',
    severity: meant ? 'error' : 'notice',
    message: `the tcp port ${port.name} has no requests to judge by methods and paths, so ${outcome} there`,
    hint: 'write a rule without `to` for tcp services',
  })
}

function byText(a: Principal, b: Principal): number {
  return textOf(a) < textOf(b) ? -1 : 1
}

function textOf(principal: Principal): string {
  return principal.kind === 'exact' ? principal.spiffeId : principal.prefix
}
