import type { DocumentPath, Located } from '../../common/config/located.js'
import { serviceId } from '../../common/identity.js'
import type { AuthorizationDocument, AuthorizationRule } from '../config/schema/authorization.js'
import type { AccessRule, HttpAccess, Principal } from './mesh.js'
import type { MeshSettings } from './settings.js'

/** A rule with the document and the place that it comes from. */
export interface PlacedRule {
  readonly effect: 'allow' | 'deny'
  readonly rule: AuthorizationRule
  readonly document: Located<AuthorizationDocument>
  readonly path: DocumentPath
}

/** What all documents together say of one service. */
export interface ServiceAccess {
  readonly rules: readonly PlacedRule[]
  /** Whether what no `allow` rule names is refused. */
  readonly closed: boolean
  readonly documents: readonly Located<AuthorizationDocument>[]
}

/** Documents about one service, in the order of their files. */
export type Authorizations = readonly Located<AuthorizationDocument>[]

/** Finds out once which documents are about which service. @returns those of a service by its name */
export function authorizationsByService(documents: Authorizations): (service: string) => Authorizations {
  const positions = new Map<string, Set<number>>()
  for (const [position, { value }] of documents.entries()) {
    for (const name of [value.service ?? [], value.services ?? []].flat()) {
      positions.set(name, (positions.get(name) ?? new Set()).add(position))
    }
  }
  const forAll = positions.get('*') ?? []
  const inOrder = (some: Iterable<number>) =>
    [...new Set([...some, ...forAll])].sort((a, b) => a - b).flatMap((position) => documents[position] ?? [])
  const byService = new Map([...positions].map(([service, own]) => [service, inOrder(own)]))
  const others = inOrder([])
  return (service) => byService.get(service) ?? others
}

/** Adds up the documents of a service, in the order of their files. */
export function accessOfService(
  service: string,
  documents: readonly Located<AuthorizationDocument>[],
  meshDefault: 'allow' | 'deny',
): ServiceAccess {
  const mine = documents.filter(({ value }) => names(value, service))
  const rules = mine.flatMap((document) => [
    ...(document.value.deny ?? []).map(
      (rule, index): PlacedRule => ({ effect: 'deny', rule, document, path: ['deny', index] }),
    ),
    ...(document.value.allow ?? []).map(
      (rule, index): PlacedRule => ({ effect: 'allow', rule, document, path: ['allow', index] }),
    ),
  ])
  const closed = meshDefault === 'deny' || mine.some(({ value }) => value.allow !== undefined)
  return { rules, closed, documents: mine }
}

/** The part of a document that says what it protects. */
type ProtectedServices = Pick<AuthorizationDocument, 'service' | 'services'>

/** Whether a document is about a service, by its name or because it is about all. */
export function names(document: ProtectedServices, wanted: string): boolean {
  return document.service === '*' || namesExactly(document, wanted)
}

/** Whether a document is about a service by its name. */
export function namesExactly({ service, services }: ProtectedServices, wanted: string): boolean {
  return service === wanted || services?.includes(wanted) === true
}

/** Who may send what to an http port of the service. */
export function httpAccess({ rules, closed }: ServiceAccess, settings: MeshSettings): HttpAccess {
  const deny = uniquelyNamed(
    rules.filter(({ effect }) => effect === 'deny'),
    settings,
  )
  const allow = uniquelyNamed(
    rules.filter(({ effect }) => effect === 'allow'),
    settings,
  )
  return { deny, ...(closed ? { allow } : {}) }
}

function uniquelyNamed(placed: readonly PlacedRule[], settings: MeshSettings): readonly AccessRule[] {
  const names = policyNames(placed)
  return placed.map(({ rule }, index) => accessRule(names[index] ?? '', rule, settings))
}

/** What Envoy calls the rules of one list, in their order: statistics and access logs name them so. */
export function policyNames(placed: readonly PlacedRule[]): readonly string[] {
  const taken = new Set<string>()
  return placed.map(({ rule, effect }, index) => {
    const name = freeName(rule.name ?? `${effect}-${index + 1}`, taken)
    taken.add(name)
    return name
  })
}

/** The name itself or, where several documents use it, with a number: two rules of one name would be one in Envoy. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name
  for (let count = 2; taken.has(free); count++) free = `${name}-${count}`
  return free
}

function accessRule(name: string, { from, to }: AuthorizationRule, settings: MeshSettings): AccessRule {
  const paths = to?.paths?.map((path) => {
    if (typeof path === 'string') return { kind: 'exact', value: path } as const
    if (path.exact !== undefined) return { kind: 'exact', value: path.exact } as const
    return { kind: 'prefix', value: path.prefix ?? '/' } as const
  })
  return {
    name,
    ...(from === undefined ? {} : { principals: from.services.map((pattern) => principalOf(pattern, settings)) }),
    ...(to?.methods === undefined ? {} : { methods: to.methods }),
    ...(paths === undefined ? {} : { paths }),
  }
}

/** The SPIFFE IDs that a pattern of service names stands for. */
export function principalOf(pattern: string, { trustDomain }: MeshSettings): Principal {
  if (!pattern.endsWith('*')) return { kind: 'exact', spiffeId: serviceId(trustDomain, pattern) }
  return { kind: 'prefix', prefix: serviceId(trustDomain, pattern.slice(0, -1)) }
}

/** Whether a rule of the service names a path, so that paths must be unambiguous. */
export function namesPath({ rules }: ServiceAccess): boolean {
  return rules.some(({ rule }) => rule.to?.paths !== undefined)
}
