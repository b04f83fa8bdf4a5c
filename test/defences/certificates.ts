import type { Defence } from './defence.js'

const TLS_SERVER = 'controlplane/api/tls-server.js'

/** What is asked of a certificate on a connection to the control plane. */
export const CERTIFICATES: readonly Defence[] = [
  {
    defence: 'the server of the API speaks TLS 1.3 alone',
    file: TLS_SERVER,
    find: "minVersion: 'TLSv1.3'",
    replace: "minVersion: 'TLSv1.2'",
    test: 'api/tls.test.js',
    names: ['TLS 1.2 is refused'],
  },
]
