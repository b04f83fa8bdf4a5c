import { type Defence, defencesOf } from './defence.js'

const tls = defencesOf('controlplane/envoy/tls.js', 'envoy/intruders.test.js')
const http = defencesOf('controlplane/envoy/http-connection-manager.js', 'envoy/traffic.test.js')

const STRANGERS = 'no certificate gets in but one of a service or a host of the mesh that is valid now'

/** What is asked of peers by real Envoys; each row starts some, so these are few. */
export const ENVOYS: readonly Defence[] = [
  tls(
    'a caller has a name of the mesh',
    "{ kind: 'prefix', prefix: serviceId(trustDomain, '') }",
    "{ kind: 'prefix', prefix: 'spiffe://' }",
    STRANGERS,
  ),
  tls(
    'an Envoy speaks TLS 1.3 alone',
    'tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3',
    'tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2',
    'no TLS before 1.3 gets in',
  ),
  tls(
    'an Envoy resumes no session',
    "sessionTicketKeysType: { case: 'disableStatelessSessionResumption', value: true },",
    '',
    'no session is resumed',
  ),
  defencesOf('controlplane/envoy/tls.js', 'envoy/traffic.test.js')(
    'an empty allow list of a tcp port lets nobody in',
    '(principals.length === 0 ? [NOBODY] : principals)',
    'principals',
    'a tcp caller who is denied gets not a byte of what the service says first',
  ),
  defencesOf('controlplane/envoy/rbac.js', 'envoy/traffic.test.js')(
    'a caller who is denied is refused',
    'deny.length === 0',
    'true',
    'a rule that denies a caller refuses it and drains no connection',
  ),
  http(
    'a path is judged as the application would read it',
    'mergeSlashes: true',
    'mergeSlashes: false',
    'a path that is denied is denied in every spelling',
  ),
]
