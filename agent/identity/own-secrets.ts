import { Latest } from '../../common/latest.js'
import type { ResourceSet } from '../../common/xds/resource.js'
import type { Credentials } from './certificates.js'
import { buildSecrets } from './secrets.js'

/**
 * The agent's own secrets as the relay serves them, made anew when a certificate is renewed or the caller changes.
 *
 * @param caller has the service whose identity calls by name carry; undefined is the host's own
 */
export function ownSecrets(
  credentials: Latest<Credentials>,
  caller: Latest<{ readonly caller: string | undefined }>,
): Latest<ResourceSet> {
  const build = () => buildSecrets(credentials.value, caller.value.caller)
  const secrets = new Latest<ResourceSet>(build())
  let made = { credentials: credentials.value, caller: caller.value.caller }
  const refresh = () => {
    if (made.credentials === credentials.value && made.caller === caller.value.caller) return
    made = { credentials: credentials.value, caller: caller.value.caller }
    secrets.set(build())
  }
  credentials.subscribe(refresh)
  caller.subscribe(refresh)
  return secrets
}
