import type { HostView, RefusalView } from '../../../common/admin-api.js'
import { describeSkew, skewOf } from '../../../common/clock-skew.js'
import { formatPlace } from '../../../common/problem.js'
import { formatSocketAddress } from '../../../common/socket-address.js'
import type { StreamStatus } from '../../../common/xds/served-stream.js'
import { TYPE_NAMES } from '../../../common/xds/types.js'
import type { HostRecord } from '../../ca/host-record.js'
import type { AgentRecord, HostReports, LeftHost } from '../../catalog/agents.js'
import { viewClone } from './clones.js'
import { countFileProblems, viewFileProblems } from './file-problems.js'
import { viewNames } from './names.js'
import type { ViewSource } from './source.js'

/** Every host that has joined or reports, sorted by name. */
export function viewHosts(source: ViewSource): readonly HostView[] {
  const known = source.enrolled.filter(({ evicted, banned }) => evicted === undefined || banned !== undefined)
  const enrolments = new Map(source.enrolled.map((one) => [one.host, one]))
  const left = [...source.left.keys()].filter((host) => enrolments.get(host)?.evicted === undefined)
  const names = new Set([...known.map(({ host }) => host), ...source.records.keys(), ...left])
  const streams = new Map(source.streams.map((one) => [one.client, one]))
  return [...names].sort().map((host) => viewHost(host, source, enrolments.get(host), streams.get(host)))
}

function viewHost(
  host: string,
  source: ViewSource,
  enrolment: HostRecord | undefined,
  stream: StreamStatus | undefined,
): HostView {
  const record = source.records.get(host)
  const refused = refusalsOf(record, source)
  const left = source.left.get(host)
  const { status, since } = statusOf(record, left, enrolment)
  const reports = record ?? (status === 'left' ? left : undefined)
  return {
    host,
    status,
    since: toIso(since),
    address: reports === undefined ? undefined : formatSocketAddress(reports.facts.advertised),
    services: servicesOf(reports),
    envoy: record?.envoy && {
      state: record.envoy.state,
      version: record.facts.envoyVersion,
      restarts: record.envoy.restarts,
    },
    agentVersion: reports?.facts.agentVersion,
    resourcesSent: stream?.resourcesSent,
    sync: syncOf(record, stream, refused, source.id),
    refused,
    certificateExpiry: toIso(record?.envoy?.certificateExpiryMs || undefined),
    problems: record === undefined || status === 'banned' ? [] : viewFileProblems(record),
    notes: [...viewClone(host, source.clones), ...notesOf(record, enrolment, left, source)],
  }
}

/** The names of its services; further instances of one are told apart by their first port. */
function servicesOf(record: HostReports | undefined): readonly string[] {
  return (record?.services ?? []).map(({ service, ports, inboundPort }) =>
    inboundPort === 0 ? service : `${service}:${ports[0]?.port}`,
  )
}

function statusOf(
  record: AgentRecord | undefined,
  left: LeftHost | undefined,
  enrolment: HostRecord | undefined,
): { readonly status: HostView['status']; readonly since: number | undefined } {
  if (enrolment?.banned !== undefined) return { status: 'banned', since: enrolment.banned.since }
  if (record === undefined && left !== undefined) return { status: 'left', since: left.since }
  if (record === undefined) return { status: 'enrolled', since: enrolment?.enrolledAt || undefined }
  return { status: record.session.state, since: record.session.since }
}

/** SYNCED: Envoy has acknowledged all that this control plane has for it, or the one from which it takes that. */
function syncOf(
  record: AgentRecord | undefined,
  stream: StreamStatus | undefined,
  refused: readonly RefusalView[],
  id: string,
): HostView['sync'] {
  if (record?.session.state !== 'live' || record.envoy === undefined) return undefined
  if (refused.length > 0) return 'REJECTED'
  const { state, subscribed, acknowledged } = record.envoy
  const elsewhere = stream === undefined && followsAnother(record, id)
  const whole =
    (elsewhere || stream?.acknowledged === true) && state === 'ready' && subscribed > 0 && acknowledged === subscribed
  return whole ? 'SYNCED' : 'STALE'
}

function followsAnother({ envoy }: AgentRecord, id: string): boolean {
  return envoy !== undefined && envoy.controlPlaneId !== '' && envoy.controlPlaneId !== id
}

function refusalsOf(record: AgentRecord | undefined, { state, quarantined }: ViewSource): readonly RefusalView[] {
  if (record === undefined) return []
  const own = record.envoy?.refused.map(({ typeUrl: type, ...rest }) => ({ type, ...rest })) ?? []
  const stopped = quarantined.filter(({ hosts }) => hosts.includes(record.host))
  const all = new Map([...stopped, ...own].map((one) => [`${one.type}/${one.name}`, one]))
  return [...all.values()].map(({ type, name, version, error }) => ({
    type: TYPE_NAMES.get(type) ?? type,
    name,
    version,
    error,
    documents: state.sourcesOf(type, name).map(formatPlace),
  }))
}

function notesOf(
  record: AgentRecord | undefined,
  enrolment: HostRecord | undefined,
  left: LeftHost | undefined,
  { id, state }: ViewSource,
): readonly string[] {
  const notes: string[] = []
  if (enrolment?.banned !== undefined && enrolment.banned.reason !== '')
    notes.push(`banned: ${enrolment.banned.reason}`)
  if (record !== undefined) notes.push(...viewNames(record, state).map(({ message }) => message))
  const here = enrolment !== undefined && enrolment.joined === undefined
  if (!here) notes.push('has not joined at this control plane')
  if (record?.session.state === 'live') notes.push(...liveNotes(record))
  // What a host has reported is forgotten when it is banned.
  const kept = enrolment?.banned === undefined
  if (record === undefined) notes.push(...(kept ? [silence(here, left)] : []))
  else if (followsAnother(record, id)) notes.push(`takes its configuration from ${record.envoy?.controlPlaneId}`)
  if (record?.facts.caller === '' && new Set(record.services.map(({ service }) => service)).size > 1) {
    notes.push('calls by name carry the identity of the host: it has several services and no names.as')
  }
  return notes
}

/** Why nothing is heard of a host that is not banned. */
function silence(here: boolean, left: LeftHost | undefined): string {
  if (left !== undefined) return 'its agent was stopped in order; its instances went with it'
  return here ? 'has joined and never reported' : 'never reported'
}

function liveNotes(record: AgentRecord): readonly string[] {
  const { envoy, clock } = record
  const { error } = countFileProblems(record)
  const skew = clock === undefined ? undefined : describeSkew(skewOf(clock))
  return [
    ...(skew === undefined ? [] : [`its clock is ${skew} of the control plane's`]),
    ...(error === 0 ? [] : [`${error} ${error === 1 ? 'problem' : 'problems'} in its files`]),
    ...(envoy?.state === 'crashed' ? [`Envoy ${envoy.detail}`] : []),
  ]
}

/** A time as ISO 8601; absent stays absent. */
function toIso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString()
}
