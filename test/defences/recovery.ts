import { type Defence, defencesOf } from './defence.js'

const recover = defencesOf('controlplane/api/recover.js', 'api/recover.test.js')
const old = defencesOf('controlplane/ca/old-certificate.js', 'api/recover.test.js')

/** What an expired certificate has to be, to get its host another one. */
export const RECOVERY: readonly Defence[] = [
  recover(
    'recovery asks for a signature by the old key over the new CSR',
    'if (!verifyRecovery(',
    'if (false && !verifyRecovery(',
    'is not granted to who has the certificate and not its key',
    'is not granted for another CSR than was signed',
    'is not granted without a signature',
  ),
  recover(
    'recovery asks for a certificate that the host was issued',
    'hosts.recoverableUntil(host, old.serial)',
    'Number.MAX_SAFE_INTEGER',
    'is not granted by a certificate of the host that the mesh did not issue',
    'is not granted to an evicted host',
  ),
  recover(
    'recovery ends with its grace',
    'now() < end + recoveryGrace',
    'true',
    'is not granted longer than the grace after the end',
  ),
  recover(
    'a banned host does not recover',
    'if (hosts.isBanned(host))',
    'if (false)',
    'is not granted to a banned host',
  ),
  defencesOf('controlplane/ca/hosts.js', 'ca/hosts.test.js')(
    'an old certificate is worth nothing once a later one was used',
    'found < proven ? undefined : ',
    '',
    'a host recovers by the certificate that it used last, and by what it may have got since',
  ),
  defencesOf('controlplane/api/services.js', 'api/recover.test.js')(
    'the certificate by which a host renews is noted',
    "callerOf(call)?.certificate?.serial ?? ''",
    "''",
    'is not granted for a certificate once a later one was used to renew',
  ),
  old(
    'the old certificate is signed by the intermediate that comes with it',
    '!isSignedBy(leaf, intermediate)',
    'false',
    'is not granted by a certificate that names our intermediate and that another key signed',
  ),
  old(
    'the intermediate of the old certificate is signed by our root',
    'roots.some((root) => isSignedBy(intermediate, root))',
    'true',
    'is not granted by a certificate of a foreign CA',
  ),
  old(
    'only the certificate of a host recovers',
    "host?.kind !== 'host'",
    'host === undefined',
    'is not granted by the certificate of a service',
  ),
]
