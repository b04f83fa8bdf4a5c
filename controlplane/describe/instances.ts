import type { InstanceDescription } from '../../common/admin-api.js'
import type { AgentRecord } from '../catalog/agents.js'
import type { Instance } from '../catalog/catalog.js'
import type { DescribedService } from './described.js'
import { formatSome } from './words.js'

/** Whether callers are given an instance, and what keeps requests from it. */
export function describeInstance(
  instance: Instance,
  of: DescribedService,
): Pick<InstanceDescription, 'used' | 'notes'> {
  const record = instance.reach === 'mesh' ? of.records.get(instance.host ?? '') : undefined
  const chosen = of.ports.some(({ instances }) => instances.includes(instance))
  return {
    used: chosen && instance.health === 'passing',
    notes: [
      ...healthNotes(instance),
      ...(isBeside(instance, of) ? [`it is outside the mesh, and ${of.service} has instances in the mesh`] : []),
      ...protocolNotes(instance, of),
      ...(instance.presence === 'unknown' ? [absenceNote(instance, record)] : []),
      ...(record === undefined ? [] : envoyNotes(record, of)),
    ],
  }
}

function healthNotes({ health, healthDetail }: Instance): readonly string[] {
  const detail = healthDetail === '' ? '' : `: ${healthDetail}`
  if (health === 'critical') return [`its check fails${detail}`]
  return health === 'draining' ? [`it is draining${detail}: open requests end, new ones go elsewhere`] : []
}

/** Instances outside the mesh get nothing while there are others inside. */
function isBeside({ reach }: Instance, { instances }: DescribedService): boolean {
  return reach === 'plain' && instances.some((other) => other.reach === 'mesh')
}

function protocolNotes(instance: Instance, of: DescribedService): readonly string[] {
  if (isBeside(instance, of)) return []
  return instance.ports.flatMap(({ name, protocol }) => {
    const port = of.ports.find(({ portName }) => portName === name)
    if (port === undefined || port.instances.includes(instance)) return []
    return [`it says that port ${name} is ${protocol}, the others say ${port.protocol}: it gets nothing there`]
  })
}

/** An instance whose host is not heard of stays; after the grace it goes, if another one passes. */
function absenceNote({ host }: Instance, record: AgentRecord | undefined): string {
  const since = record === undefined ? '' : ` since ${new Date(record.session.since).toISOString()}`
  const kept = 'it is still called, and given up after the grace if another instance passes'
  if (record?.session.state === 'unconfirmed')
    return `${host} has not reported${since}, when this control plane started; ${kept}`
  return `the session of ${host} is lost${since}; ${kept}`
}

/** What is wrong with the Envoy that its calls go through, as its agent says. */
function envoyNotes({ host, session, envoy }: AgentRecord, { refusals }: DescribedService): readonly string[] {
  if (session.state !== 'live' || envoy === undefined) return []
  const { state, detail } = envoy
  const refused = refusals.filter((one) => one.host === host).map(({ name }) => name)
  return [
    ...(state === 'ready' || state === '' ? [] : [`its Envoy is ${state}${detail === '' ? '' : `: ${detail}`}`]),
    ...(refused.length === 0 ? [] : [`its Envoy refuses ${formatSome(refused)} and keeps what it had`]),
  ]
}
