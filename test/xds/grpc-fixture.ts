import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js'
import { Latest } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import { type AdsCall, type AdsServiceOptions, addAdsService } from '../../common/xds/grpc-service.js'
import { StreamRefusal } from '../../common/xds/refusal.js'
import { EMPTY_PUBLICATION, type Publication } from '../../common/xds/resource.js'
import { XdsServer, type XdsServerOptions } from '../../common/xds/server.js'

/** A server of xDS on a Unix socket, with its directory; disposing of it ends all. */
export class GrpcFixture implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'xds-'))
  readonly socket = join(this.directory, 'xds.sock')
  readonly publication = new Latest<Publication>(EMPTY_PUBLICATION)
  readonly xds: XdsServer<AdsCall>
  readonly #grpc = new Server()
  readonly #clients: Client[] = []

  private constructor(options: Partial<XdsServerOptions<AdsCall>>, service: AdsServiceOptions) {
    this.xds = new XdsServer(this.publication, { identify: (node) => requireId(node?.id), log: silentLog, ...options })
    addAdsService(this.#grpc, this.xds, service)
  }

  /** Starts a server. A client is identified by its node id, unless the options say otherwise. */
  static async start(
    options: Partial<XdsServerOptions<AdsCall>> = {},
    service: AdsServiceOptions = {},
  ): Promise<GrpcFixture> {
    const fixture = new GrpcFixture(options, service)
    await new Promise<void>((resolve, reject) => {
      fixture.#grpc.bindAsync(`unix:${fixture.socket}`, ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
    return fixture
  }

  /** A gRPC client of the server. */
  client(): Client {
    const client = new Client(`unix:${this.socket}`, credentials.createInsecure())
    this.#clients.push(client)
    return client
  }

  /** A new delta stream to the server. */
  open() {
    return openDeltaCall(this.client())
  }

  /** A bare connection to the server. */
  connect(): Socket {
    return connect(this.socket)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    this.xds.close()
    this.#grpc.forceShutdown()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function requireId(id: string | undefined): string {
  if (id === undefined || id === '') throw new StreamRefusal('INVALID_ARGUMENT', 'a node without id')
  return id
}
