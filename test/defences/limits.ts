import { type Defence, defencesOf } from './defence.js'

const limits = (file: string) => defencesOf(`controlplane/api/${file}.js`, 'api/limits.test.js')
const handshakes = limits('handshakes')
const tls = limits('tls-server')
const server = limits('server')
const dismissals = limits('dismissals')
const fields = (file: string) => defencesOf(file, 'api/many-fields.test.js')
const refusals = defencesOf('controlplane/api/refusal-log.js', 'api/refusal-log.test.js')

/** A bound of which one half is switched off. */
const without = (half: 'total' | 'each', bound: string) =>
  `new Tally({ ...limits.${bound}, ${half}: Number.POSITIVE_INFINITY })`

/** What each caller of the control plane's port may have of it, bound by bound. */
export const LIMITS: readonly Defence[] = [
  handshakes(
    'handshakes at once are bounded over all addresses',
    'new Tally(limits.handshakes)',
    without('total', 'handshakes'),
    'handshakes at once, from however many addresses',
  ),
  handshakes(
    'a handshake has a time',
    'setTimeout(() => socket.destroy(), this.#limits.handshakeMs)',
    'setTimeout(() => undefined, this.#limits.handshakeMs)',
    'the time of a handshake, also of one who says a little now and then',
  ),
  handshakes(
    'connections of one address that wait for their handshake are bounded',
    'new Tally(limits.waiting)',
    without('each', 'waiting'),
    'connections that wait for their handshake, by address and in all',
  ),
  handshakes(
    'connections that wait for their handshake are bounded over all addresses',
    'new Tally(limits.waiting)',
    without('total', 'waiting'),
    'connections that wait for their handshake, by address and in all',
  ),
  handshakes(
    'nobody waits for a handshake without end',
    'setTimeout(() => socket.destroy(), this.#limits.patienceMs)',
    'setTimeout(() => undefined, this.#limits.patienceMs)',
    'the patience with who waits for a handshake',
  ),
  handshakes(
    'who is about its handshake does not hold up the end of the control plane',
    'for (const socket of this.#begun)',
    'for (const socket of [])',
    'no time at the end: who waits or is about its handshake is closed',
  ),
  tls(
    'connections of one address without a certificate are bounded',
    'new Tally(limits.anonymous)',
    without('each', 'anonymous'),
    'connections without a certificate, by address and in all',
  ),
  tls(
    'connections without a certificate are bounded over all addresses',
    'new Tally(limits.anonymous)',
    without('total', 'anonymous'),
    'connections without a certificate, by address and in all',
  ),
  tls(
    'a connection without a certificate ends soon',
    'if (certificate === undefined)\n            return this.#limits.anonymousMs;',
    'if (certificate === undefined)\n            return 2 ** 31 - 1;',
    'the life of a connection without a certificate, however busy',
  ),
  tls(
    'connections of one host are bounded',
    'new Tally(limits.identified)',
    without('each', 'identified'),
    'connections of one host',
  ),
  tls(
    'a connection is judged anew after half a day',
    'Math.min(age, certificate.notAfter - now())',
    'certificate.notAfter - now()',
    'the life of a connection with one',
  ),
  tls(
    'connections are bounded in all',
    'this.#listener.maxConnections = limits.connections;',
    '',
    'connections in all',
  ),
  dismissals(
    'those who are told why they are refused are bounded over all addresses',
    'new Tally(bound)',
    'new Tally({ ...bound, total: Number.POSITIVE_INFINITY })',
    'connections of banned hosts that hear why, by address and in all',
  ),
  dismissals(
    'who is told why it is refused has few streams',
    'maxConcurrentStreams: 4',
    '',
    'streams at once of a banned host',
  ),
  limits('gate')('who calls what it may not is cut', 'counter.count(connection);', '', 'calls that it may not make'),
  server(
    'calls of one connection have a pace',
    'calls.count(connectionOf(peer))',
    'connectionOf(peer)',
    'calls in a minute',
    'calls in a minute of what is not served',
  ),
  server(
    'a peer that is not there any more is noticed',
    "'grpc.keepalive_time_ms': keepalive.afterMs,",
    '',
    'time to answer when it is asked whether it is there',
  ),
  server('streams at once are bounded', "'grpc.max_concurrent_streams': 100,", '', 'streams at once'),
  server(
    'memory for what a connection does not read is bounded',
    "'grpc-node.max_session_memory': 64,",
    '',
    'memory for what it asks for and does not read',
  ),
  defencesOf('controlplane/api/server.js', 'api/hostile-calls.test.js')(
    'a message has a length',
    "'grpc.max_receive_message_length': 4 * 1024 * 1024,",
    "'grpc.max_receive_message_length': -1,",
    'is cut for a message that is said to have 4 GiB',
  ),
  fields('common/grpc/definition.js')(
    'a message of the API has a bounded number of fields',
    'checkFieldCount(method.input, bytes, MOST_FIELDS);',
    '',
    'is refused undecoded where a host sends it in its session',
    'is refused undecoded where somebody without a certificate sends it',
  ),
  fields('common/xds/wire.js')(
    'a request of xDS has a bounded number of fields',
    'checkFieldCount(schema, bytes, REQUEST_FIELDS);',
    '',
    'is refused undecoded where a host asks for names that are none',
  ),
  refusals(
    'of refusals of one peer the first alone is told',
    "this.#isNews(refusal) ? 'warn' : 'debug'",
    "this.#isNews(refusal) ? 'warn' : 'warn'",
    'of refusals of one peer for one reason the first is told, and the others are counted',
  ),
  refusals(
    'refusals are remembered of a bounded number of peers',
    'const KINDS = 1_000;',
    'const KINDS = 1_000_000;',
    'refusals from addresses without end are counted as one, and none is lost from the sum',
  ),
]
