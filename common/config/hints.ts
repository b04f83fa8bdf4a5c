/** What people probably meant: guesses for hints of messages, never for what takes effect. */
import { suggest } from './suggest.js'

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ms|msec|millis|milliseconds?)$/, 'ms'],
  [/^(?:s|sec|secs|seconds?)$/, 's'],
  [/^(?:m|min|mins|minutes?)$/, 'm'],
  [/^(?:h|hr|hrs|hours?)$/, 'h'],
]

/** What to write instead of something that is no duration. */
export function durationHint(value: unknown): string {
  if (typeof value === 'number') return `write a unit: "${value}s" or "${value}ms"`
  const [, amount, unit] = /^(\d+(?:[.,]\d+)?)\s*([a-z]+)$/i.exec(typeof value === 'string' ? value : '') ?? []
  if (amount !== undefined && unit !== undefined) {
    const number = amount.replace(',', '.')
    const known = UNITS.find(([form]) => form.test(unit.toLowerCase()))
    if (known !== undefined) return `write "${number}${known[1]}"`
    if (/^d(?:ays?)?$/i.test(unit)) return `write it in hours: "${Number(number) * 24}h"`
  }
  if (typeof value === 'string' && /^-\d/.test(value)) return 'durations are not negative'
  return 'write for example "250ms", "2s" or "1m30s"'
}

/** What to write instead of a text that is no name of the form; undefined where nothing can be guessed. */
export function nameHint(text: string, form: RegExp): string | undefined {
  if (/[“”„‘’«»]/.test(text)) return 'use straight quotes: " or \''
  if (/\$\{?\w+\}?|%\w+%/.test(text)) return 'variables are not filled in here'
  if (/.\*.|^\*./.test(text)) return '"*" works alone or at the end only'
  const folded = text
    .trim()
    .toLowerCase()
    .replaceAll(/[_\s]+/g, '-')
  const candidates = [folded, folded.replace(/\.mesh$/, ''), folded.replaceAll('.', '-')]
  const fitting = candidates.find((one) => form.test(one))
  return fitting === undefined ? undefined : `write ${fitting}`
}

/** What to write instead of a text where a number belongs. */
export function numberHint(text: string): string | undefined {
  if (/^[\d.]+$/.test(text)) return `remove the quotes: ${text}`
  if (/^[\d.]+ ?%$/.test(text)) return `percentages and weights are plain numbers: ${Number.parseFloat(text)}`
  if (/^\d{1,3}(?:[,_']\d{3})+$/.test(text)) return `write ${text.replaceAll(/\D/g, '')}`
  const [digits] = /^\d+(?![\w.])/.exec(text) ?? []
  return digits === undefined ? undefined : `write only the number: ${digits}`
}

const NOTHING = new Set(['no', 'none', 'false', 'never', 'null', 'disabled', 'disable', 'unlimited', 'infinite', 'off'])

/** The allowed word that was meant: `no` and `false` mean `off` or `none`, case and `_` do not count. */
export function wordMeant(value: unknown, allowed: readonly string[]): string | undefined {
  const nothing = allowed.find((word) => word === 'off' || word === 'none')
  if (nothing !== undefined && (value === false || NOTHING.has(String(value).toLowerCase()))) return nothing
  return typeof value === 'string' ? suggest(value, allowed) : undefined
}

/** Keys of Istio, Kuma, Consul and Envoy, by the ones that mean the same here. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  retries: ['attempts', 'numretries', 'num_retries'],
  perTry: ['perTryTimeout', 'per_try_timeout'],
  on: ['retryOn', 'retry_on'],
  service: ['name', 'host', 'destination', 'targetRef'],
  rules: ['http', 'routes', 'tcp'],
  to: ['route', 'backendRefs', 'forwardTo'],
  match: ['matches', 'condition'],
  split: ['weightedClusters', 'splits', 'weighted_clusters'],
  prefix: ['pathPrefix', 'path_prefix', 'startsWith'],
  exact: ['equals', 'value'],
  respond: ['directResponse', 'direct_response', 'fixedResponse'],
  connect: ['connectTimeout', 'connectionTimeout', 'connect_timeout'],
  request: ['requestTimeout', 'http'],
  policy: ['simple', 'lbPolicy', 'lb_policy'],
  loadBalancing: ['loadBalancer', 'trafficPolicy', 'lb'],
  labels: ['filter', 'selector', 'matchLabels', 'meta'],
  services: ['principals', 'sources'],
  port: ['targetPort', 'servicePort'],
  upstreams: ['dependencies', 'proxy'],
  check: ['healthCheck', 'healthcheck', 'probe', 'checks'],
  address: ['ip', 'host', 'addr'],
  instances: ['endpoints', 'nodes', 'backends'],
}

/** The key that is known and means what was written in the words of another tool. */
export function keyInOtherWords(written: string, known: readonly string[]): string | undefined {
  return known.find((key) => OTHER_WORDS[key]?.some((word) => word.toLowerCase() === written.toLowerCase()))
}
