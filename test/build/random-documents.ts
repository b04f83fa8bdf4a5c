import type { Dice } from './dice.js'
import { SERVICES } from './random-reports.js'

/** Text of a document of any kind, sometimes about what does not exist, and sometimes with a fault. */
export function randomDocument(dice: Dice): string {
  const text = dice.one(KINDS)(dice)
  return dice.chance(0.1) ? text.replace('kind:', 'knid:') : text
}

const KINDS: readonly ((dice: Dice) => string)[] = [
  serviceDocument,
  routeDocument,
  routeDocument,
  authorizationDocument,
  authorizationDocument,
  catalogDocument,
  (dice) => `{ kind: mesh, authorization: ${dice.one(['allow', 'deny'])} }`,
]

function aService(dice: Dice): string {
  return dice.chance(0.1) ? 'nobody' : dice.one(SERVICES)
}

function serviceDocument(dice: Dice): string {
  const keys = dice.some(
    [
      `subsets: { v1: { labels: { version: v1 } }, v${2 + dice.below(2)}: { labels: { version: v2 } } }`,
      `timeouts: { connect: ${1 + dice.below(3)}s, request: ${5 + dice.below(2)}s }`,
      `loadBalancing: { policy: ${dice.one(['round-robin', 'least-request'])} }`,
      `retry: { retries: ${dice.below(3)} }`,
      `protocol: ${dice.one(['http', 'grpc', 'tcp'])}`,
    ],
    0.4,
  )
  return `{ ${['kind: service', `service: ${aService(dice)}`, ...keys].join(', ')} }`
}

function routeDocument(dice: Dice): string {
  const port = dice.chance(0.3) ? [`port: ${dice.one(['main', 'admin', 'bytes'])}`] : []
  const rules = Array.from({ length: 1 + dice.below(2) }, () => rule(dice))
  return `{ ${['kind: route', `service: ${aService(dice)}`, ...port, `rules: [${rules.join(', ')}]`].join(', ')} }`
}

function rule(dice: Dice): string {
  const match = dice.chance(0.3) ? [`match: { path: { prefix: /${dice.one(['x', 'y'])} } }`] : []
  const timeout = dice.chance(0.2) ? [`timeout: ${1 + dice.below(3)}s`] : []
  const goes = dice.one([
    () => `to: ${destination(dice)}`,
    () => `split: [${destination(dice, 'weight: 1')}, ${destination(dice, 'weight: 3')}]`,
    () => 'respond: { status: 404 }',
  ])()
  return `{ ${[...match, goes, ...timeout].join(', ')} }`
}

function destination(dice: Dice, ...more: readonly string[]): string {
  const subset = dice.chance(0.3) ? [`subset: v${1 + dice.below(3)}`] : []
  const port = dice.chance(0.1) ? ['port: admin'] : []
  return `{ ${[`service: ${aService(dice)}`, ...subset, ...port, ...more].join(', ')} }`
}

function authorizationDocument(dice: Dice): string {
  const subject = dice.one([
    () => `service: ${aService(dice)}`,
    () => 'service: "*"',
    () => `services: [${['web', ...dice.some(['a', 'db'])].join(', ')}]`,
  ])()
  const caller = () => `from: { services: [${dice.one(['a', 'web', '"a*"', '"*"'])}] }`
  const to = dice.chance(0.3) ? `, to: { paths: [/${dice.below(3)}] }` : ''
  const lists = dice
    .some([`allow: [{ ${caller()}${to} }]`, `deny: [{ ${caller()}${to} }]`, 'allow: []'], 0.5)
    .slice(0, 1)
  return `{ ${['kind: authorization', subject, ...lists].join(', ')} }`
}

function catalogDocument(dice: Dice): string {
  const entries = [
    '{ address: 10.9.0.1, port: 8080 }',
    `{ address: 10.9.0.2, port: 8080, weight: ${1 + dice.below(2)}, labels: { version: v1 } }`,
    '{ host: web-1, address: 10.9.0.3, port: 8080 }',
  ]
  const protocol = dice.chance(0.3) ? [`protocol: ${dice.one(['http', 'tcp'])}`] : []
  const instances = `instances: [${[entries[0], ...dice.some(entries.slice(1))].join(', ')}]`
  return `{ ${['kind: catalog', `service: ${aService(dice)}`, ...protocol, instances].join(', ')} }`
}
