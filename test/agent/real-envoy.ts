import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import type { JsonObject } from '@bufbuild/protobuf'
import { type BootstrapInput, buildBootstrap } from '../../agent/bootstrap.js'
import type { LaunchSpec } from '../../agent/envoy/launcher.js'

/** A spec that launches this Envoy with the bootstrap that we build; writes the bootstrap. */
export function realEnvoySpec(
  path: string,
  directory: string,
  metricsPort: number,
  input: Partial<BootstrapInput> = {},
): LaunchSpec {
  const spec: LaunchSpec = {
    path,
    bootstrap: join(directory, 'bootstrap.json'),
    adminSocket: join(directory, 'admin.sock'),
    runDirectory: directory,
    concurrency: 1,
    logLevel: 'warning',
    drainTime: 10_000,
    output: { file: join(directory, 'envoy.log') },
  }
  const bootstrap = buildBootstrap({
    host: 'n',
    locality: { region: 'eu', zone: 'eu-a' },
    metadata: { mesh: { services: ['n'] } },
    xdsSocket: join(directory, 'xds.sock'),
    adminSocket: spec.adminSocket,
    metrics: { address: '127.0.0.1', port: metricsPort },
    ...input,
  })
  writeFileSync(spec.bootstrap, bootstrap)
  return spec
}

/** What Envoy has written to its log so far. */
export function envoyLog(spec: LaunchSpec): string {
  return readFileSync(join(spec.runDirectory, 'envoy.log'), 'utf8')
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** An inbound HTTP listener on `port` that passes everything to `applicationPort`, and its cluster. */
export function inboundResources(port: number, applicationPort: number): readonly JsonObject[] {
  return [
    {
      '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
      name: 'application',
      type: 'STATIC',
      load_assignment: {
        cluster_name: 'application',
        endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(applicationPort) } }] }],
      },
    },
    {
      '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
      name: 'inbound',
      stat_prefix: 'inbound',
      traffic_direction: 'INBOUND',
      address: loopback(port),
      filter_chains: [{ filters: [{ name: 'http', typed_config: connectionManager() }] }],
    },
  ]
}

function connectionManager(): JsonObject {
  const type = 'type.googleapis.com/envoy.extensions.filters'
  return {
    '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'inbound',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'application' } }] },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${type}.http.router.v3.Router` } }],
  }
}

function loopback(port: number): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}
