import type { HostView, ProblemView, ServiceView } from '../../../common/admin-api.js'
import type { AgentRecord } from '../../catalog/agents.js'
import { firstOf } from './first-of.js'

/** More of one kind than these are only counted: an outage of hundreds is seen by the first. */
const MOST = 20

/** What is down: services that nobody answers for, lost hosts, and Envoys that are not ready. */
export function viewDown(
  hosts: readonly HostView[],
  services: readonly ServiceView[],
  records: readonly AgentRecord[],
): readonly ProblemView[] {
  return [
    ...firstOf(services.flatMap(viewUnhealthy), MOST, ({ length }) => ({
      place: 'services',
      severity: 'error',
      code: 'MSH0508',
      message: `and ${length} more services without a healthy instance`,
      hint: 'mesh services lists them',
    })),
    ...firstOf(hosts.flatMap(viewLost), MOST, ({ length }) => ({
      place: 'hosts',
      severity: 'notice',
      code: 'MSH0509',
      message: `and ${length} more hosts that are lost`,
      hint: 'mesh hosts lists them',
    })),
    ...firstOf(records.flatMap(viewEnvoy), MOST, ({ length }) => ({
      place: 'hosts',
      severity: 'notice',
      code: 'MSH0510',
      message: `and ${length} more hosts whose Envoy is not ready`,
      hint: 'mesh hosts lists them',
    })),
  ]
}

function viewUnhealthy({ service, instances }: ServiceView): readonly ProblemView[] {
  const [first] = instances
  if (first === undefined || instances.some(({ health }) => health === 'passing' || health === 'unchecked')) return []
  const who = instances.length === 1 ? 'the one instance' : `none of the ${instances.length} instances`
  const fault = instances.length === 1 ? 'is not healthy' : 'is healthy'
  const detail = first.detail === '' ? first.health : first.detail
  return [
    {
      place: service,
      severity: 'error',
      code: 'MSH0508',
      message: `${who} of ${service} ${fault} (${first.host ?? first.endpoint}: ${detail})`,
      hint: `mesh describe service ${service} tells why`,
    },
  ]
}

function viewLost({ host, status, since }: HostView): readonly ProblemView[] {
  if (status !== 'lost') return []
  return [
    {
      place: host,
      severity: 'notice',
      code: 'MSH0509',
      message: `the session of ${host} is lost${since === undefined ? '' : ` since ${since}`}`,
      hint: `its agent, the host or the way to it is down; if it is gone for good, mesh host ${host} evict`,
    },
  ]
}

function viewEnvoy({ host, session, envoy }: AgentRecord): readonly ProblemView[] {
  if (session.state !== 'live' || envoy === undefined || envoy.state === 'ready') return []
  return [
    {
      place: host,
      severity: 'notice',
      code: 'MSH0510',
      message: `the Envoy of ${host} is ${envoy.state}${envoy.detail === '' ? '' : `: ${envoy.detail}`}`,
      hint: 'the log of its agent tells more',
    },
  ]
}
