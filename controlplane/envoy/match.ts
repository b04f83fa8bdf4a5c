import { create } from '@bufbuild/protobuf'
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type RouteMatch,
  RouteMatchSchema,
} from '../../common/proto/envoy/config/route/v3/route_components_pb.js'
import { type StringMatcher, StringMatcherSchema } from '../../common/proto/envoy/type/matcher/v3/string_pb.js'
import type { HeaderCondition, RequestMatch } from '../mesh/mesh.js'

/** The match of one route: path, method and headers, all of which must hold. */
export function buildRouteMatch({ grpc, path, methods, headers }: RequestMatch): RouteMatch {
  return create(RouteMatchSchema, {
    pathSpecifier:
      path?.kind === 'exact' ? { case: 'path', value: path.value } : { case: 'prefix', value: path?.value ?? '/' },
    headers: [...(methods === undefined ? [] : [methodMatcher(methods)]), ...headers.map(headerMatcher)],
    ...(grpc ? { grpc: {} } : {}),
  })
}

/** Matches any of these methods. */
export function methodMatcher(methods: readonly string[]): HeaderMatcher {
  return stringHeader(':method', oneOf(methods))
}

function headerMatcher(condition: HeaderCondition): HeaderMatcher {
  const { name } = condition
  if (condition.kind === 'present') {
    return create(HeaderMatcherSchema, { name, headerMatchSpecifier: { case: 'presentMatch', value: true } })
  }
  return stringHeader(name, condition.kind === 'exact' ? exact(condition.value) : regex(condition.value))
}

function stringHeader(name: string, matcher: StringMatcher): HeaderMatcher {
  return create(HeaderMatcherSchema, { name, headerMatchSpecifier: { case: 'stringMatch', value: matcher } })
}

/** Matches one of several texts. */
function oneOf(texts: readonly string[]): StringMatcher {
  const [first = '', ...more] = texts
  return more.length === 0 ? exact(first) : regex(texts.map(quoteRegex).join('|'))
}

/** Matches a text as a whole. */
export function exact(value: string): StringMatcher {
  return create(StringMatcherSchema, { matchPattern: { case: 'exact', value } })
}

/** Matches the beginning of a text. */
export function prefix(value: string): StringMatcher {
  return create(StringMatcherSchema, { matchPattern: { case: 'prefix', value } })
}

function regex(value: string): StringMatcher {
  return create(StringMatcherSchema, { matchPattern: { case: 'safeRegex', value: { regex: value } } })
}

/** A text as a regular expression of RE2 that matches just this text. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
