import type { Latest } from '../../common/latest.js'
import { VERSION } from '../../common/version.js'
import type { SessionContext } from './session.js'

/** What every welcome says alike, and what decides the rest. */
export interface WelcomeOptions {
  readonly controlPlaneId: string
  readonly trustDomain: string
  readonly domain: string
  readonly trustBundlePem: Latest<string>
  /** Whether a host may run a service. */
  readonly mayRun: (host: string, service: string) => boolean
  /** Values on which `mayRun` depends. */
  readonly rights: readonly Latest<unknown>[]
}

/** What sessions tell their hosts, and when it has to be told again. */
export function welcomes(options: WelcomeOptions): Pick<SessionContext, 'welcome' | 'subscribe'> {
  const { controlPlaneId, trustDomain, domain, trustBundlePem, mayRun, rights } = options
  return {
    welcome: (host, services) => ({
      controlPlaneId,
      trustDomain,
      domain,
      trustBundlePem: trustBundlePem.value,
      allowedServices: [...new Set(services)].filter((service) => mayRun(host, service)),
      refusedServices: Object.fromEntries(
        services
          .filter((service) => !mayRun(host, service))
          .map((service) => [service, 'neither the enrolment of the host nor a host-policy allows it']),
      ),
      controlPlanes: [],
      version: VERSION,
    }),
    subscribe: (listener) => {
      const unsubscribes = [trustBundlePem, ...rights].map((source) => source.subscribe(listener))
      return () => {
        for (const unsubscribe of unsubscribes) unsubscribe()
      }
    },
  }
}
