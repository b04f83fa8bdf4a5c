import { type Defence, defencesOf } from './defence.js'

const tls = defencesOf('controlplane/api/tls-server.js', 'api/tls.test.js')
const hosts = defencesOf('controlplane/api/tls-server.js', 'api/authorization.test.js')
const dismissals = defencesOf('controlplane/api/dismissals.js', 'api/dismissals.test.js')
const node = defencesOf('controlplane/api/services.js', 'api/tls.test.js')
const admission = defencesOf('controlplane/ca/admission.js', 'ca/admission.test.js')

const CELLS = 'each caller gets past the gate of exactly the methods that are his'
const SESSION = '/mesh.v1.Agents/Session'

/** What is asked of a connection to the control plane, and of each call on it. */
export const CONNECTIONS: readonly Defence[] = [
  tls('the API speaks TLS 1.3 alone', "minVersion: 'TLSv1.3'", "minVersion: 'TLSv1.2'", 'TLS 1.2 is refused'),
  tls(
    'a connection ends with the certificate of its client',
    'Math.min(age, certificate.notAfter - now())',
    'age',
    'a connection ends when the certificate of its client expires',
  ),
  tls(
    'there are no session tickets',
    'secureOptions: constants.SSL_OP_NO_TICKET,',
    '',
    'no session is resumed, not even one of a host by somebody without its certificate',
  ),
  defencesOf('agent/control-plane/channel.js', 'api/given-up.test.js')(
    'a client that was closed keeps no connection',
    'life.closed ?',
    'false ?',
    'attempts that were given up while a control plane was away keep no connection to it when it is back',
  ),
  defencesOf('agent/control-plane/channel.js', 'api/impostors.test.js')(
    'an agent that has joined speaks to control planes of its own mesh alone',
    'if (trustDomain === undefined || identity.trustDomain === trustDomain)',
    'if (true)',
    'tells nothing to a server that is no control plane of its mesh, neither in a session nor to recover',
    'not to a control plane of another trust domain',
  ),
  hosts(
    'a certificate chains to our roots',
    'if (!socket.authorized)',
    'if (false)',
    CELLS,
    `a control plane of a foreign CA and trust domain calls ${SESSION}`,
    `an expired certificate of a host calls ${SESSION}`,
    `a host of a foreign CA calls ${SESSION}`,
  ),
  hosts(
    'a certificate has exactly one name of the mesh',
    'if (identity === undefined)\n            return { refused:',
    'if (identity === undefined)\n            return { identity }; else if (false) return { refused:',
    CELLS,
    `a certificate of our CA without a name of the mesh calls ${SESSION}`,
  ),
  hosts(
    'a certificate is of our trust domain',
    'if (identity.trustDomain !== this.#options.trustDomain)',
    'if (false)',
    CELLS,
    `a control plane of a foreign trust domain signed by our CA calls ${SESSION}`,
  ),
  hosts(
    "a host's certificate is one that it was issued",
    'if (refused !== undefined)\n            return { refused, mayKnow: true };',
    '',
    CELLS,
    `a banned host calls ${SESSION}`,
    `an evicted host calls ${SESSION}`,
  ),
  dismissals(
    'who is told why he is refused is not left on the line',
    'setTimeout(() => socket.destroy(), DISMISSAL_MS)',
    'setTimeout(() => undefined, DISMISSAL_MS)',
    'hears the reason whatever it calls, and then the connection ends',
  ),
  dismissals(
    'those who are told why they are refused are bounded',
    'this.#tally.take(socket.remoteAddress)',
    '() => undefined',
    'gets no answer while too many of its connections are held, and keeps nobody else out',
  ),
  defencesOf('controlplane/api/gate.js', 'api/authorization.test.js')(
    'each call passes the authorization table',
    'mayCall(caller, method.path)',
    'true',
    CELLS,
    `a service's certificate calls ${SESSION}`,
    `no client certificate calls ${SESSION}`,
    `another control plane's certificate calls ${SESSION}`,
  ),
  {
    ...defencesOf('controlplane/api/gate.js', 'api/authorization.test.js')(
      'who is no host has no session, though the authorization table were wrong',
      'mayCall(caller, method.path)',
      'true',
      'who is no host gets neither a session nor resources',
    ),
    // Either is enough: with the table alone switched off this test still passes.
    layers: [
      {
        file: 'controlplane/api/services.js',
        find: "return identity?.kind === 'host' ? identity : undefined;",
        replace: 'return identity;',
      },
    ],
  },
  node(
    'the node of a stream is the host of its certificate',
    'node.id === host.name',
    'true',
    'cannot be another host',
  ),
  defencesOf('controlplane/administration.js', 'api/join.test.js')(
    'a ban ends what is open',
    'return api.disconnect(host);',
    'return 1;',
    'a ban ends what the host has open within 5 s, and its renewal',
  ),
  defencesOf('controlplane/assemble.js', 'api/join.test.js')(
    'a banned host is not let in',
    'return (host, certificate) => refusalOf(host, certificate, admission)',
    'return () => undefined',
    'a ban ends what the host has open within 5 s, and its renewal',
  ),
  defencesOf('controlplane/ca/admission.js', 'api/join.test.js')(
    'a certificate from before an eviction is not let in',
    'if (hosts.recognises(host, certificate.serial))',
    'if (true)',
    'an evicted host joins again by a new token, and what it held before stays refused',
  ),
  admission(
    'what this control plane issued itself counts on record alone',
    'if (isIssuedBy(certificate.issuer, authority.intermediate.certificate.subject))',
    'if (false)',
    'what this control plane issued counts only while it is on record, whatever a host-policy says',
  ),
  admission(
    'a host of another control plane needs a host-policy',
    'if (!named(host))',
    'if (false)',
    'a host that joined at another control plane is let in where a host-policy names it, and not elsewhere',
  ),
  admission(
    'who is evicted here stays out',
    'if (hosts.isKeptOut(host))',
    'if (false)',
    'who is banned or evicted here stays out, however new the certificate of another control plane is',
  ),
  defencesOf('controlplane/api/issue.js', 'api/join.test.js')(
    'a host gets certificates for services that it may run, and no others',
    'identity !== undefined && mayRun(host, service)',
    'identity !== undefined',
    'certificates for services that its token or a host-policy allows, and for no others',
  ),
]
