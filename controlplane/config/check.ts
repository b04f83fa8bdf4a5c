import type { DocumentPath } from '../../common/config/located.js'
import type { YamlDocument } from '../../common/config/yaml.js'
import type { Problem } from '../../common/problem.js'
import { found } from './found.js'
import type { AuthorizationDocument } from './schema/authorization.js'
import type { CatalogDocument } from './schema/catalog.js'
import type { MeshConfigDocument } from './schema/documents.js'
import type { RouteDocument, RouteMatch, RouteRule } from './schema/route.js'

/** What a schema cannot say of one document: keys that exclude each other, weights, names, what is never reached. */
export function checkDocument(value: MeshConfigDocument, document: YamlDocument): readonly Problem[] {
  if (value.kind === 'route') return checkRoute(value, document)
  if (value.kind === 'authorization') return checkAuthorization(value, document)
  if (value.kind === 'catalog') return checkCatalog(value, document)
  return []
}

function checkRoute({ rules }: RouteDocument, document: YamlDocument): readonly Problem[] {
  const problems = rules.flatMap((rule, index) => checkRule(rule, ['rules', index], document))
  const names = rules.map(({ name }) => name)
  for (const [index, name] of names.entries()) {
    if (name === undefined || names.indexOf(name) === index) continue
    const message = `another rule is called ${name} already`
    problems.push(found(document, ['rules', index, 'name'], { code: 'MSH0222', message }))
  }
  const everything = rules.findIndex(({ match }) => [match ?? {}].flat().some(matchesAll))
  if (everything >= 0 && everything < rules.length - 1) {
    const message = `never reached: rule ${everything + 1} matches every request`
    problems.push(found(document, ['rules', everything + 1], { code: 'MSH0223', message }, 'notice'))
  }
  return problems
}

function checkRule(rule: RouteRule, path: DocumentPath, document: YamlDocument): Problem[] {
  const problems: Problem[] = []
  const actions = (['to', 'split', 'respond'] as const).filter((key) => rule[key] !== undefined)
  if (actions.length > 1) {
    const message = `${actions.join(' and ')} exclude each other`
    problems.push(found(document, [...path, actions[1] ?? ''], { code: 'MSH0220', message, hint: 'keep one of them' }))
  }
  if (rule.split?.every(({ weight }) => weight === 0) === true) {
    const message = 'all weights are zero'
    problems.push(found(document, [...path, 'split'], { code: 'MSH0221', message, hint: 'give one of them a weight' }))
  }
  const list = Array.isArray(rule.match)
  for (const [index, match] of [rule.match ?? []].flat().entries()) {
    problems.push(...checkMatch(match, list ? [...path, 'match', index] : [...path, 'match'], document))
  }
  return problems
}

function checkMatch({ path, headers = {} }: RouteMatch, base: DocumentPath, document: YamlDocument): Problem[] {
  const problems: Problem[] = []
  if (path !== undefined && [path.exact, path.prefix].filter((form) => form !== undefined).length !== 1) {
    const message = 'a path is matched in exactly one way'
    const hint = 'write { exact: /a } or { prefix: /a/ }'
    problems.push(found(document, [...base, 'path'], { code: 'MSH0220', message, hint }))
  }
  for (const key of ['exact', 'prefix'] as const) {
    if (path?.[key]?.includes('*') === true) problems.push(starInPath(document, [...base, 'path', key], path[key]))
  }
  for (const [name, form] of Object.entries(headers)) {
    if (typeof form === 'string') continue
    if ([form.exact, form.regex, form.present].filter((one) => one !== undefined).length === 1) continue
    const message = 'a header is matched in exactly one way'
    const hint = 'write { exact: … }, { regex: … } or present'
    problems.push(found(document, [...base, 'headers', name], { code: 'MSH0220', message, hint }))
  }
  return problems
}

function starInPath(document: YamlDocument, path: DocumentPath, text: string): Problem {
  const prefix = text.slice(0, text.indexOf('*'))
  const hint = `if it shall stand for anything, write { prefix: ${prefix} }`
  return found(document, path, { code: 'MSH0225', message: 'the "*" in a path stands for itself', hint }, 'notice')
}

function matchesAll({ path, method, headers = {} }: RouteMatch): boolean {
  return (path === undefined || path.prefix === '/') && method === undefined && Object.keys(headers).length === 0
}

function checkCatalog({ instances }: CatalogDocument, document: YamlDocument): readonly Problem[] {
  return instances.flatMap(({ address }, index) => {
    const meaning = EVERYWHERE_DIFFERENT.find(([form]) => form.test(address))?.[1]
    if (meaning === undefined) return []
    const message = `${address} is ${meaning} of each host that calls it`
    return found(document, ['instances', index, 'address'], { code: 'MSH0226', message, hint: SAME }, 'notice')
  })
}

/** Addresses that lead somewhere else from each host, and what they are there. */
const EVERYWHERE_DIFFERENT = [
  [/^169\.254\.169\.254$|^fd00:ec2::254$/i, "the cloud's metadata service"],
  [/^169\.254\.|^fe[89ab][0-9a-f]:/i, 'a neighbour on the link'],
  [/^127\.0\.0\.1$|^::1$/, 'the loopback address'],
] as const

const SAME = 'write an address that leads to the same machine from everywhere'

function checkAuthorization(
  { service, services, allow, deny }: AuthorizationDocument,
  document: YamlDocument,
): readonly Problem[] {
  const problems: Problem[] = []
  if ((service === undefined) === (services === undefined)) {
    const message = 'exactly one of service and services says what the rules protect'
    const hint = 'write service: payments, services: [a, b] or service: "*"'
    problems.push(found(document, service === undefined ? [] : ['services'], { code: 'MSH0220', message, hint }))
  }
  if (allow === undefined && deny === undefined) {
    const message = 'neither `allow` nor `deny` says who may call'
    const hint = 'write allow: with who may call; allow: [] refuses everybody'
    problems.push(found(document, [], { code: 'MSH0204', message, hint }))
  }
  for (const [list, rules] of [['allow', allow] as const, ['deny', deny] as const]) {
    for (const [index, { to }] of (rules ?? []).entries()) {
      for (const [at, path] of (to?.paths ?? []).entries()) {
        if (typeof path === 'string' || (path.exact === undefined) !== (path.prefix === undefined)) continue
        const message = 'a path is matched in exactly one way'
        const hint = 'write /a, { exact: /a } or { prefix: /a/ }'
        problems.push(found(document, [list, index, 'to', 'paths', at], { code: 'MSH0220', message, hint }))
      }
    }
  }
  return problems
}
