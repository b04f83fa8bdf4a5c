import type { Problem } from '../../common/problem.js'
import { agentHost, agentInstances } from './agent-source.js'
import type { HostReports } from './agents.js'
import type { CatalogHost, Instance } from './catalog.js'
import { untangle } from './conflicts.js'
import { placeOf } from './place.js'
import type { Presence } from './presence.js'

/** What a host reports, without the services that it may not run. */
export interface Permitted {
  readonly reports: HostReports
  readonly problems: readonly Problem[]
}

/** Leaves out the services that a host may not run. */
export function permit(
  { host, facts, services }: HostReports,
  mayRun: (host: string, service: string) => boolean,
): Permitted {
  const foreign = new Set(services.filter(({ service }) => !mayRun(host, service)))
  return {
    reports: { host, facts, services: foreign.size === 0 ? services : services.filter((one) => !foreign.has(one)) },
    problems: [...foreign].map(({ service, source }) => ({
      ...placeOf(host, source),
      code: 'MSH0401',
      severity: 'error',
      path: '',
      message: `host ${host} may not run the service ${service}`,
      hint: `allow it by a token that names it, or by a document { kind: host-policy, hosts: [${host}], services: [${service}] }`,
    })),
  }
}

/** What one host adds to the catalog. */
export interface HostPart {
  readonly host: CatalogHost
  /** As of a host that is heard of. */
  readonly instances: readonly Instance[]
  /** What all of this is made from: what it reports and may run, without what is in its own way. */
  readonly reports: HostReports
  readonly problems: readonly Problem[]
}

/** Makes the part of a host, whether or not it is heard of. */
export function hostPart(permitted: Permitted): HostPart {
  const { reports, problems } = untangle(permitted.reports)
  return {
    host: agentHost(reports),
    instances: agentInstances(reports),
    reports,
    problems: [...permitted.problems, ...problems],
  }
}

/** The instances of a host that is not heard of, without those that are given up. */
export function lostInstances({ instances }: HostPart, presenceOf: (service: string) => Presence): readonly Instance[] {
  return instances.flatMap((instance) => {
    const presence = presenceOf(instance.service)
    return presence === 'gone' ? [] : [{ ...instance, presence }]
  })
}
