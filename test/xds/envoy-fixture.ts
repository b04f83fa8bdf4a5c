import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'

/** What an Envoy speaks: delta or state-of-the-world. */
export type ApiType = 'DELTA_GRPC' | 'GRPC'

/** Where an Envoy is served: a Unix socket, and a directory for its own files. */
export interface Served {
  readonly directory: string
  readonly socket: string
}

/** How an Envoy of a test differs from others. */
export interface EnvoyOptions {
  readonly apiType?: ApiType
  /** Tells the files of several apart. */
  readonly name?: string
  /** Whether it refuses fields that it does not know, as those of agents do. */
  readonly strict?: boolean
}

/** A stock Envoy that takes its clusters and listeners from a test's server. Disposing of it kills it. */
export class EnvoyFixture implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #admin: string
  #log = ''

  constructor(
    binary: string,
    server: Served,
    { apiType = 'DELTA_GRPC', name = 'envoy', strict = true }: EnvoyOptions = {},
  ) {
    this.#admin = join(server.directory, `${name}.admin.sock`)
    const bootstrap = join(server.directory, `${name}.json`)
    writeFileSync(bootstrap, JSON.stringify(buildBootstrap(server.socket, this.#admin, apiType)))
    const options = ['--use-dynamic-base-id', '--concurrency', '1', '-l', 'info']
    if (strict) options.push('--reject-unknown-dynamic-fields')
    this.#process = spawn(binary, ['-c', bootstrap, ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process.stderr?.on('data', (text) => {
      this.#log += text
    })
  }

  /** The value of one of Envoy's gauges or counters. */
  async stat(name: string): Promise<number> {
    const text = await this.#get(`/stats?filter=^${name}$`)
    return Number(/: (\d+)/.exec(text)?.[1])
  }

  /** All that Envoy uses, as its admin interface tells it, with endpoints. */
  async configDump(): Promise<{ readonly configs: readonly Readonly<Record<string, unknown>>[] }> {
    return JSON.parse(await this.#get('/config_dump?include_eds'))
  }

  /** Stops the process where it is, as a machine does that hangs. */
  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  /** Lets it go on. */
  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  /** What Envoy has written so far, for assertions that failed. */
  get log(): string {
    return this.#log
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }

  #get(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      get({ socketPath: this.#admin, path }, async (response) => {
        const parts: Buffer[] = []
        for await (const part of response) parts.push(part)
        resolve(Buffer.concat(parts).toString())
      }).on('error', reject)
    })
  }
}

function buildBootstrap(socket: string, admin: string, apiType: ApiType): object {
  const ads = { ads: {}, resource_api_version: 'V3' }
  return {
    node: { id: 'envoy', cluster: 'test' },
    admin: { address: { pipe: { path: admin } } },
    dynamic_resources: {
      ads_config: {
        api_type: apiType,
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: 'xds',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
          },
        },
      ],
    },
  }
}
