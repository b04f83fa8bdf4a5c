import type {
  HeaderMatcherSchema,
  RouteMatchSchema,
} from '../../common/proto/envoy/config/route/v3/route_components_pb.js'
import type { StringMatcherSchema } from '../../common/proto/envoy/type/matcher/v3/string_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { HeaderCondition, RequestMatch } from '../mesh/mesh.js'

/** The match of one route: path, method and headers, all of which must hold. */
export function buildRouteMatch({ grpc, path, methods, headers }: RequestMatch): Given<typeof RouteMatchSchema> {
  return {
    pathSpecifier:
      path?.kind === 'exact' ? { case: 'path', value: path.value } : { case: 'prefix', value: path?.value ?? '/' },
    headers: [...(methods === undefined ? [] : [methodMatcher(methods)]), ...headers.map(headerMatcher)],
    ...(grpc ? { grpc: {} } : {}),
  }
}

/** Matches any of these methods. */
export function methodMatcher(methods: readonly string[]): Given<typeof HeaderMatcherSchema> {
  return stringHeader(':method', oneOf(methods))
}

function headerMatcher(condition: HeaderCondition): Given<typeof HeaderMatcherSchema> {
  const { name } = condition
  if (condition.kind === 'present') {
    return { name, headerMatchSpecifier: { case: 'presentMatch', value: true } }
  }
  return stringHeader(name, condition.kind === 'exact' ? exact(condition.value) : regex(condition.value))
}

function stringHeader(name: string, matcher: Given<typeof StringMatcherSchema>): Given<typeof HeaderMatcherSchema> {
  return { name, headerMatchSpecifier: { case: 'stringMatch', value: matcher } }
}

/** Matches one of several texts. */
function oneOf(texts: readonly string[]): Given<typeof StringMatcherSchema> {
  const [first = '', ...more] = texts
  return more.length === 0 ? exact(first) : regex(texts.map(quoteRegex).join('|'))
}

/** Matches a text as a whole. */
export function exact(value: string): Given<typeof StringMatcherSchema> {
  return { matchPattern: { case: 'exact', value } }
}

/** Matches the beginning of a text. */
export function prefix(value: string): Given<typeof StringMatcherSchema> {
  return { matchPattern: { case: 'prefix', value } }
}

function regex(value: string): Given<typeof StringMatcherSchema> {
  return { matchPattern: { case: 'safeRegex', value: { regex: value } } }
}

/** A text as a regular expression of RE2 that matches just this text. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
