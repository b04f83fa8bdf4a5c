import { connect, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { register } from '@grpc/grpc-js-xds'
import { validateBootstrapConfig } from '@grpc/grpc-js-xds/build/src/xds-bootstrap.js'
import { Watcher, XdsClient } from '@grpc/grpc-js-xds/build/src/xds-client.js'
import { EndpointResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/endpoint-resource-type.js'
import { ListenerResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/listener-resource-type.js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import { Latest } from '../../common/latest.js'
import { buildBootstrap } from '../envoy/grpc-client.js'
import { atEnd } from '../lab/at-end.js'
import { type TestControlPlane, temporaryDirectory } from './control-plane.js'

/** What a reader knows of a name: nothing yet, that there is none, or what it is. */
export type Read<T> = 'unknown' | 'absent' | T

/** gRPC's own xDS client, by which a test reads what a control plane serves. */
export class XdsReader {
  readonly #client: XdsClient

  /** @param credentials of the host that the reader runs on; the library cannot present them, so a tunnel does */
  static async open(t: TestContext, controlPlane: TestControlPlane, host: string, credentials: HostCredentials) {
    const server = await openTunnel(t, controlPlane, credentials)
    const trustBundlePem = controlPlane.authority.bundlePem
    const directory = await temporaryDirectory(t)
    return new XdsReader(buildBootstrap({ host, server, directory, pair: credentials, trustBundlePem }))
  }

  private constructor(bootstrap: object) {
    register() // also what HTTP filters the library knows
    this.#client = new XdsClient(validateBootstrapConfig(bootstrap))
  }

  /** The route table that a target leads to, as it is now and whenever it changes. */
  watchTarget(t: TestContext, target: string): Latest<Read<string>> {
    const known = new Latest<Read<string>>('unknown')
    const watcher = new Watcher<{ readonly name: string }>(eventsOf(known, ({ name }) => name))
    ListenerResourceType.startWatch(this.#client, target, watcher as never)
    atEnd(t, () => ListenerResourceType.cancelWatch(this.#client, target, watcher as never))
    return known
  }

  /** The endpoints of a cluster, as `address:port`, sorted. */
  watchEndpoints(t: TestContext, cluster: string): Latest<Read<readonly string[]>> {
    const known = new Latest<Read<readonly string[]>>('unknown')
    const watcher = new Watcher(eventsOf(known, addressesOf))
    EndpointResourceType.startWatch(this.#client, cluster, watcher as never)
    atEnd(t, () => EndpointResourceType.cancelWatch(this.#client, cluster, watcher as never))
    return known
  }
}

interface Assignment {
  readonly endpoints: readonly {
    readonly lb_endpoints: readonly {
      readonly endpoint: {
        readonly address: { readonly socket_address: { readonly address: string; readonly port_value: number } }
      }
    }[]
  }[]
}

function addressesOf({ endpoints }: Assignment): readonly string[] {
  const sockets = endpoints.flatMap((one) => one.lb_endpoints).map(({ endpoint }) => endpoint.address.socket_address)
  return sockets.map(({ address, port_value: port }) => `${address}:${port}`).sort()
}

function eventsOf<From, To>(known: Latest<Read<To>>, read: (resource: From) => To) {
  return {
    onResourceChanged: (resource: From) => known.set(read(resource)),
    onResourceDoesNotExist: () => known.set('absent'),
    onError: () => undefined,
  }
}

/** A port on loopback whose connections go to the control plane over mutual TLS. @returns its address */
async function openTunnel(
  t: TestContext,
  { address, authority }: TestControlPlane,
  { keyPem, chainPem }: HostCredentials,
): Promise<string> {
  const server = createServer((plain) => {
    const secure = connectTls({
      socket: connect(address.port, address.address),
      key: keyPem,
      cert: chainPem,
      ca: authority.bundlePem,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    })
    plain.pipe(secure).pipe(plain)
    for (const [one, other] of [
      [plain, secure],
      [secure, plain],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => void server.close())
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}
