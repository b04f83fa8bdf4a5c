import type { AbsentHostView } from '../../common/admin-api.js'
import { serviceId } from '../../common/identity.js'
import type { HostRecord } from '../ca/host-record.js'
import { instanceId } from '../catalog/agent-source.js'
import type { AgentRecord } from '../catalog/agents.js'
import { placeOf } from '../catalog/place.js'
import type { ServiceFacts } from '../catalog/report.js'
import type { DescribedService } from './described.js'
import { mentions } from './problems.js'

/**
 * Hosts from which callers could expect an instance, and why there is none: what they report is left out or given up,
 * or they are banned. What an evicted host had is forgotten.
 */
export function describeAbsent(of: DescribedService): readonly AbsentHostView[] {
  const { service, records, enrolled, instances } = of
  const known = new Set(instances.map(({ id }) => id))
  const reported = [...records.values()].flatMap((record) =>
    record.services
      .filter((facts) => facts.service === service)
      .filter(({ ports }) => !known.has(instanceId(service, record.host, ports[0]?.port ?? 0)))
      .map((facts) => ({ host: record.host, why: whyLeftOut(record, facts, of) })),
  )
  const banned = enrolled.flatMap((host) => bannedHost(host, of))
  return [...reported, ...banned].sort((a, b) => (a.host < b.host ? -1 : 1))
}

function whyLeftOut({ host, session }: AgentRecord, { service, source }: ServiceFacts, of: DescribedService): string {
  const { file, line } = placeOf(host, source)
  const fault = of.problems.find(
    (one) => one.severity === 'error' && one.file === file && one.line === line && mentions(one.message, service),
  )
  if (fault !== undefined) return fault.message
  if (session.state === 'live') return 'what it reports is not looked at yet'
  const since = new Date(session.since).toISOString()
  return `it is not heard of since ${since}; it was given up, because another instance passes`
}

/** What a host reports is forgotten when it is banned; its certificates and its token tell what it ran. */
function bannedHost(
  { host, banned, certificates, services }: HostRecord,
  { service, mesh }: DescribedService,
): readonly AbsentHostView[] {
  const id = serviceId(mesh.trustDomain, service)
  const ran = services.includes(service) || certificates.some(({ identity }) => identity === id)
  if (banned === undefined || !ran) return []
  const reason = banned.reason === '' ? '' : `: ${banned.reason}`
  return [{ host, why: `it is banned since ${new Date(banned.since).toISOString()}${reason}` }]
}
