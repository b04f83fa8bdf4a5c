/** How matches, destinations and rules are told to people. */
import type { AuthorizationRule } from '../config/schema/authorization.js'
import type { RouteDestination, RouteRule } from '../config/schema/route.js'
import { matchesOf } from '../mesh/match.js'
import type { HeaderCondition, RequestMatch, RouteAction, WeightedCluster } from '../mesh/mesh.js'

/** `POST and path /charge… and header x-test = 1`; several matches are joined by `or`. */
export function matchWords(match: RouteRule['match']): string {
  return matchesOf(match).map(oneMatch).join(' or ')
}

function oneMatch({ path, methods, headers }: RequestMatch): string {
  const parts = [
    ...(methods === undefined ? [] : [methods.join(', ')]),
    ...(path === undefined ? [] : [`path ${pathWords(path)}`]),
    ...headers.map(headerWords),
  ]
  return parts.length === 0 ? 'every request' : parts.join(' and ')
}

/** An ellipsis is behind a path that is only the beginning of one. */
function pathWords({ kind, value }: NonNullable<RequestMatch['path']>): string {
  return kind === 'exact' ? value : `${value}…`
}

function headerWords(header: HeaderCondition): string {
  if (header.kind === 'present') return `header ${header.name}`
  return `header ${header.name} ${header.kind === 'exact' ? '=' : '~'} ${header.value}`
}

/** What is done with a request: `90% to payments/main/v1, 10% to payments/main/v2, path as /v2`. */
export function actionWords(action: RouteAction): string {
  if (action.kind === 'respond') return respondWords(action)
  return [splitWords(action.to), ...rewriteWords(action.prefixRewrite)].join(', ')
}

/** The same for a rule whose destinations are not known, from what it says. */
export function writtenWords({ respond, to, split, rewrite }: RouteRule, service: string): string {
  if (respond !== undefined) return respondWords(respond)
  const destinations: readonly RouteDestination[] = split ?? [to ?? {}]
  const written = destinations.map((one) => destinationWords(one, service)).join(', ')
  return [written, ...rewriteWords(rewrite?.prefix)].join(', ')
}

/** Shares are of all; four decimals are told at most. */
function splitWords(to: readonly WeightedCluster[]): string {
  if (to.length === 1) return `to ${to[0]?.cluster}`
  const sum = to.reduce((total, { weight }) => total + weight, 0)
  return to.map(({ cluster, weight }) => `${Number(((100 * weight) / sum).toFixed(4))}% to ${cluster}`).join(', ')
}

function destinationWords({ service, port, subset, weight }: RouteDestination, owner: string): string {
  const name = [service ?? owner, ...(port === undefined ? [] : [port])].join('/')
  const part = subset === undefined ? name : `subset ${subset} of ${name}`
  return weight === undefined ? `to ${part}` : `to ${part} (weight ${weight})`
}

function respondWords({ status, body }: { readonly status: number; readonly body?: string | undefined }): string {
  if (body === undefined) return `answered with ${status}`
  return `answered with ${status}: ${body.length > MOST_BODY ? `${body.slice(0, MOST_BODY)}…` : body}`
}

function rewriteWords(prefix: string | undefined): readonly string[] {
  return prefix === undefined ? [] : [`path as ${prefix}`]
}

/** So many characters of an answer are told. */
const MOST_BODY = 40

/** Which callers a rule of authorization is about. */
export function callerWords(from: AuthorizationRule['from']): string {
  return from?.services.join(', ') ?? 'any caller of the mesh'
}

/** Which requests a rule of authorization is about: `GET, POST /charge…`. */
export function requestWords(to: AuthorizationRule['to']): string {
  const paths = to?.paths?.map((path) => {
    if (typeof path === 'string') return path
    return path.exact ?? pathWords({ kind: 'prefix', value: path.prefix ?? '/' })
  })
  const parts = [to?.methods, paths].flatMap((some) => (some === undefined ? [] : [some.join(', ')]))
  return parts.length === 0 ? 'any request' : parts.join(' ')
}

/** At most three names, and how many more there are. */
export function formatSome(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
