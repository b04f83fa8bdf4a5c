import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { register, XdsChannelCredentials } from '@grpc/grpc-js-xds'
import type { HeldKeyPair } from '../../agent/identity/certificates.js'

/** What an application with gRPC's own xDS needs to be told. */
export interface GrpcClientOptions {
  /** Of this host. */
  readonly host: string
  /** Where xDS is served, as `unix:` and a path or as address and port, without TLS: this client has none towards it. */
  readonly server: string
  /** Where files may be written. */
  readonly directory: string
  /** What the application presents to those that it calls. */
  readonly pair: Pick<HeldKeyPair, 'keyPem' | 'chainPem'>
  readonly trustBundlePem: string
}

/** The method that the applications of these tests have: it answers with the name of whoever answers. */
export const NAME_METHOD = '/test.Names/Name'

/** An application of gRPC that finds services by xDS, by the library's public resolver. Close it after use. */
export function openGrpcClient(target: string, options: GrpcClientOptions): Client {
  register()
  const bootstrap = JSON.stringify(buildBootstrap(options))
  return new Client(`xds:///${target}`, new XdsChannelCredentials(credentials.createInsecure()), {
    'grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config': bootstrap,
  })
}

/** Calls {@link NAME_METHOD} once. @throws the status of the call where it is not 0 */
export function askName(client: Client, timeout = 10_000): Promise<string> {
  const bytes = (text: Buffer) => text
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, answer?: Buffer) =>
      error === null ? resolve(answer?.toString() ?? '') : reject(error)
    client.makeUnaryRequest(NAME_METHOD, bytes, bytes, Buffer.alloc(0), { deadline: Date.now() + timeout }, done)
  })
}

/** The bootstrap as gRPC's documentation has it. */
export function buildBootstrap({ host, server, directory, pair, trustBundlePem }: GrpcClientOptions): object {
  const files = { certificate_file: pair.chainPem, private_key_file: pair.keyPem, ca_certificate_file: trustBundlePem }
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(directory, `${host}-${name}.pem`)
    writeFileSync(path, text)
    return [name, path] as const
  })
  return {
    xds_servers: [{ server_uri: server, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    node: { id: host, locality: {} },
    certificate_providers: {
      default: { plugin_name: 'file_watcher', config: { ...Object.fromEntries(paths), refresh_interval: '600s' } },
    },
  }
}
