import type {
  HostView,
  InstanceView,
  ProblemView,
  RefusalView,
  ServiceView,
  StatusView,
} from '../../../common/admin-api.js'
import { describeSkew, skewOf } from '../../../common/clock-skew.js'
import type { Problem } from '../../../common/problem.js'
import type { HostRecord } from '../../ca/host-record.js'
import type { AgentRecord } from '../../catalog/agents.js'
import type { PipelineState } from '../../pipeline.js'
import { viewClones } from './clones.js'
import { viewDown } from './down.js'
import { firstOf } from './first-of.js'
import { viewHosts } from './hosts.js'
import { isUnusual, viewNames } from './names.js'
import { viewProblem } from './problem.js'
import { viewServices } from './services.js'
import type { ViewSource } from './source.js'

/** What is true of the control plane itself, beside what it knows of the mesh. */
export interface SelfFacts {
  readonly id: string
  readonly version: string
  readonly trustDomain: string
  readonly domain: string
  readonly startedAt: number
  /** The end of its own certificate. */
  readonly certificateExpiry: number
  /** What is to be known of its certificate authority. */
  readonly authority: readonly ProblemView[]
  readonly config: {
    /** When the directories could be looked at last. */
    readonly readAt: number
    /** When something in them changed last. */
    readonly loadedAt: number
    readonly documents: number
    readonly problems: readonly Problem[]
  }
}

function viewFailure({ failure }: PipelineState): readonly ProblemView[] {
  if (failure === undefined) return []
  const since = new Date(failure.since).toISOString()
  return [
    {
      place: 'control plane',
      severity: 'error',
      code: 'MSH0507',
      message: `no change is in effect since ${since}: the mesh cannot be built (${failure.error})`,
      hint: 'hosts keep what they have; undo what changed then, and report this as a fault of the control plane',
    },
  ]
}

/** A notice that a thousand hosts have alike would hide everything else; `mesh describe service` tells it. */
function fileErrors({ problems }: HostView): readonly ProblemView[] {
  return problems.filter(({ severity }) => severity === 'error')
}

/** More problems of the files of hosts than these are only counted in the status. */
const MOST_FILE_PROBLEMS = 200

function has(health: InstanceView['health']): (service: ServiceView) => boolean {
  return ({ instances }) => instances.some((instance) => instance.health === health)
}

/** The whole mesh in a few numbers and its problems, errors first. */
export function viewStatus(source: ViewSource, self: SelfFacts): StatusView {
  const hosts = viewHosts(source)
  const services = viewServices(source, self.domain)
  const live = hosts.filter(({ status }) => status === 'live')
  return {
    id: self.id,
    version: self.version,
    trustDomain: self.trustDomain,
    domain: self.domain,
    startedAt: new Date(self.startedAt).toISOString(),
    hosts: {
      total: hosts.length - source.enrolled.filter(isBanAlone).length,
      live: live.length,
      synced: hosts.filter(({ sync }) => sync === 'SYNCED').length,
      rejected: hosts.filter(({ sync }) => sync === 'REJECTED').length,
    },
    services: {
      total: services.length,
      healthy: services.filter(has('passing')).length,
      unchecked: services.filter((one) => has('unchecked')(one) && !has('passing')(one)).length,
    },
    sources: [
      {
        name: 'files',
        readAt: new Date(self.config.readAt).toISOString(),
        changedAt: new Date(self.config.loadedAt).toISOString(),
        detail: `${self.config.documents} ${self.config.documents === 1 ? 'document' : 'documents'}`,
      },
      { name: 'agents', readAt: new Date().toISOString(), detail: `${live.length} sessions` },
    ],
    soonestExpiry: soonestExpiry(hosts, self),
    problems: errorsFirst([
      ...viewMeshProblems(source, self, hosts),
      ...firstOf(hosts.flatMap(fileErrors), MOST_FILE_PROBLEMS, viewMoreFiles),
    ]),
  }
}

/** Every problem that is known, however many there are. */
export function viewAllProblems(source: ViewSource, self: SelfFacts): readonly ProblemView[] {
  const hosts = viewHosts(source)
  return errorsFirst([...viewMeshProblems(source, self, hosts), ...hosts.flatMap(({ problems }) => problems)])
}

/** All but those of the files of hosts. */
function viewMeshProblems(source: ViewSource, self: SelfFacts, hosts: readonly HostView[]): readonly ProblemView[] {
  const records = [...source.records.values()]
  return [
    ...viewFailure(source.state),
    ...self.authority,
    ...viewClones(source.clones),
    ...hosts.flatMap(({ host, refused }) => refused.map((refusal) => viewRefusal(host, refusal))),
    ...viewDown(hosts, viewServices(source, self.domain), records),
    ...records.flatMap(viewClock),
    ...records.flatMap((one) => viewNames(one, source.state).filter(isUnusual)),
    ...[...self.config.problems, ...source.state.problems].map(viewProblem),
  ]
}

function errorsFirst(all: readonly ProblemView[]): readonly ProblemView[] {
  const errors = all.filter(({ severity }) => severity === 'error')
  return [...errors, ...all.filter(({ severity }) => severity === 'notice')]
}

function viewMoreFiles(others: readonly ProblemView[]): ProblemView {
  return {
    place: 'hosts',
    severity: others.some(({ severity }) => severity === 'error') ? 'error' : 'notice',
    code: 'MSH0414',
    message: `and ${others.length} more in the files of hosts`,
    hint: 'mesh hosts -o json has all of them',
  }
}

/** Whether the host was never seen here: there is a ban of its name, as after a slip of the pen, and nothing else. */
function isBanAlone({ banned, joined, enrolledAt, certificates }: HostRecord): boolean {
  return banned !== undefined && joined === 'elsewhere' && enrolledAt === 0 && certificates.length === 0
}

function soonestExpiry(hosts: readonly HostView[], self: SelfFacts): StatusView['soonestExpiry'] {
  const own = { subject: `control plane ${self.id}`, at: new Date(self.certificateExpiry).toISOString() }
  const theirs = hosts.flatMap(({ host, status, certificateExpiry }) =>
    certificateExpiry === undefined || status === 'banned' ? [] : [{ subject: `host ${host}`, at: certificateExpiry }],
  )
  return [own, ...theirs].sort((a, b) => (a.at < b.at ? -1 : 1))[0]
}

function viewClock({ host, session, clock }: AgentRecord): readonly ProblemView[] {
  const skew = session.state !== 'live' || clock === undefined ? undefined : describeSkew(skewOf(clock))
  if (skew === undefined) return []
  return [
    {
      place: host,
      severity: 'error',
      code: 'MSH0506',
      message: `the clock of ${host} is ${skew} of the control plane's`,
      hint: 'set both by a time service; certificates are valid only at their time',
    },
  ]
}

function viewRefusal(host: string, { type, name, error, documents }: RefusalView): ProblemView {
  return {
    place: documents[0] ?? host,
    severity: 'error',
    code: 'MSH0501',
    message: `the Envoy of ${host} refuses ${type} ${name} and keeps what it had: ${error}`,
    hint: /address already in use/i.test(error)
      ? 'a program of that host listens there; Envoy is given the listener again when the address is free'
      : 'mend the document; nothing is sent again until it changes',
  }
}
