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
