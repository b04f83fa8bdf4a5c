import { type Defence, defencesOf } from './defence.js'

const calls = (file: string) => defencesOf(file, 'api/hostile-calls.test.js')
const newcomers = defencesOf('common/xds/newcomers.js', 'xds/herd.test.js')

/** What keeps strangers on the control plane's port, and herds of hosts, from others. */
export const STREAMS: readonly Defence[] = [
  calls('controlplane/api/handshakes.js')(
    'one address has only a part of the handshakes',
    'this.#running = new Tally(limits.handshakes);',
    'this.#running = new Tally({ total: 32, each: 32 });',
    'who begin handshakes and do not go on keep no host waiting',
  ),
  calls('controlplane/api/tls-server.js')(
    'connections without a certificate are bounded',
    'if (giveBack === undefined) {',
    'if (false) {',
    'who hold connections without a certificate leave room for hosts, from the same address too',
  ),
  calls('common/xds/limits.js')(
    'a stream asks for a bounded number of names',
    'names > limits.names',
    'false',
    'is cut for a million names, and for a node as large as a novel',
  ),
  calls('common/xds/limits.js')(
    'a client says a bounded number of bytes of itself',
    'node.length <= limits.nodeBytes',
    'true',
    'is cut for a million names, and for a node as large as a novel',
  ),
  calls('common/xds/served-stream.js')(
    'what a client says anew of itself is looked at',
    'this.#client !== undefined && (node === undefined || sameBytes(node, this.#node))',
    'this.#client !== undefined',
    'is cut for the node ID of another host, and for one that changes',
  ),
  defencesOf('controlplane/envoy/build.js', 'api/foreign-secrets.test.js')(
    'a host is served its own configuration and what all share',
    '[host.name, layersOf(host)],',
    "[host.name, ['host:ledger-1', 'host:web-1', SHARED_LAYER]],",
    'is not given to who asks for it by name',
  ),
  defencesOf('common/xds/grpc-service.js', 'xds/server.test.js')(
    'a client that does not read is cut off',
    'this.#cancelTimer ??= this.#clock.after(this.#sendTimeout, () => this.#cut());',
    '',
    'cuts a client that does not read',
  ),
  newcomers(
    'new streams have their first answers by turns',
    'this.#served.size < this.#limit',
    'true',
    'are answered by turns in the order in which they came, never more than the limit at once',
  ),
  newcomers(
    'a newcomer that does not answer loses its turn',
    'this.end(stream);\n            this.#freed();',
    '',
    'do not wait for ever for those that do not answer, or that go',
  ),
  defencesOf('common/xds/whole-list.js', 'xds/world-stream.test.js')(
    'a list keeps what may not go yet',
    'const list = new Map([...this.#held, ...this.#stuck]);',
    'const list = new Map();',
    'keeps in the list of clusters what is still referred to, and leaves it out when it is not',
  ),
]
