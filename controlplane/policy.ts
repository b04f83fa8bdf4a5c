import { matchesPattern } from '../common/config/fields.js'
import type { Located } from '../common/config/located.js'
import type { HostPolicyDocument } from './config/schema/host-policy.js'

/** Whether a host-policy document allows a host to run a service; what its enrolment allows comes on top. */
export function mayRun(policies: readonly Located<HostPolicyDocument>[], host: string, service: string): boolean {
  return policies.some(
    ({ value }) =>
      value.hosts.some((pattern) => matchesPattern(pattern, host)) &&
      value.services.some((pattern) => matchesPattern(pattern, service)),
  )
}

/** Whether any host-policy document names the host. */
export function isNamed(policies: readonly Located<HostPolicyDocument>[], host: string): boolean {
  return policies.some(({ value }) => value.hosts.some((pattern) => matchesPattern(pattern, host)))
}
