import type { AccessRuleView, ServiceDescription } from '../../common/admin-api.js'
import { formatPlace } from '../../common/problem.js'
import type { Config } from '../config/config.js'
import { accessOfService, type PlacedRule, policyNames, type ServiceAccess } from '../mesh/access.js'
import { type DescribedService, isOutside } from './described.js'
import { callerWords, requestWords } from './words.js'

/** Who may call a service: its rules in the order in which they are looked at, and what happens to everybody else. */
export function describeAccess(of: DescribedService): ServiceDescription['access'] {
  const { service, config } = of
  const access = accessOfService(service, config.authorizations, config.mesh?.value.authorization ?? 'allow')
  return {
    rules: [...rulesOf(access, 'deny', of), ...rulesOf(access, 'allow', of)],
    otherwise: isOutside(of) ? OUTSIDE : otherwise(access, config),
  }
}

/** Of a service that no instance of the mesh runs, whatever documents say. */
const OUTSIDE = 'nothing is refused: its instances are outside the mesh, where no Envoy asks who calls'

function rulesOf({ rules }: ServiceAccess, effect: PlacedRule['effect'], of: DescribedService) {
  const placed = rules.filter((one) => one.effect === effect)
  const names = policyNames(placed)
  return placed.map((one, index): AccessRuleView => {
    const { from, to } = one.rule
    return {
      effect,
      name: names[index] ?? '',
      ...(from === undefined ? {} : { callers: from }),
      ...(to === undefined ? {} : { to }),
      who: callerWords(from),
      what: requestWords(to),
      ...effectOf(one, of),
      from: formatPlace(one.document.locate(one.path)),
    }
  })
}

/** A rule about requests cannot be kept for bytes: an allow grants nothing there, a deny refuses its callers altogether. */
function effectOf({ effect, rule }: PlacedRule, of: DescribedService): Pick<AccessRuleView, 'inEffect' | 'notes'> {
  if (of.ports.length === 0) return { inEffect: false, notes: [`no instance of ${of.service} is known`] }
  if (isOutside(of)) return { inEffect: false, notes: ['its instances are outside the mesh'] }
  const bytes = of.ports.filter(({ carriage }) => carriage === 'bytes').map(({ portName }) => portName)
  if (rule.to === undefined || bytes.length === 0) return { inEffect: true, notes: [] }
  const outcome = effect === 'allow' ? 'it allows nothing' : 'it refuses these callers altogether'
  return {
    inEffect: effect === 'deny' || bytes.length < of.ports.length,
    notes: [`${outcome} at the tcp port ${bytes.join(', ')}, which has no requests`],
  }
}

function otherwise({ closed, documents }: ServiceAccess, { mesh }: Config): string {
  if (!closed) return 'every other call is allowed: no document about the service has allow, and the mesh allows'
  const closing = documents.find(({ value }) => value.allow !== undefined)
  if (closing !== undefined) return `every other call is refused: allow is at ${formatPlace(closing.locate(['allow']))}`
  const place = mesh === undefined ? '' : `, at ${formatPlace(mesh.locate(['authorization']))}`
  return `every other call is refused: the mesh refuses what no rule allows${place}`
}
