import { join } from 'node:path'
import { askControlPlane } from '../../cli/admin-client.js'
import { type DemoProcess, DemoProcesses } from '../../cli/demo/processes.js'
import type { HostView, ServiceView, StatusView } from '../../common/admin-api.js'
import { FIRST_ADDRESS, type LabControlPlane, type LabFiles, writeControlPlane } from './files.js'
import type { MeshLab } from './lab.js'
import { until } from './until.js'

const ADDRESS = '127.0.3.101'

/** Lines of `agent.yaml` by which an agent knows both control planes, in this order. */
export const BOTH = `controlPlanes: ["${FIRST_ADDRESS}:15012", "${ADDRESS}:15012"]`

/** The address of the second control plane. */
export const SECOND = { address: ADDRESS, port: 15012 }

/** A second control plane of a lab: the same documents, an intermediate and a state of its own. */
export class SecondControlPlane {
  readonly #plane: LabControlPlane
  readonly #processes: DemoProcesses
  #process: DemoProcess | undefined

  private constructor({ root }: LabFiles) {
    const directory = join(root, 'cp-2')
    this.#plane = {
      id: 'cp-2',
      address: ADDRESS,
      settings: join(directory, 'controlplane.yaml'),
      socket: join(directory, 'admin.sock'),
      state: join(directory, 'state'),
    }
    this.#processes = new DemoProcesses(directory)
  }

  /** Has the first control plane's root sign its intermediate, and starts it. */
  static async start({ files }: MeshLab, discovery = ''): Promise<SecondControlPlane> {
    const second = new SecondControlPlane(files)
    const { id, state } = second.#plane
    await writeControlPlane(files, second.#plane, '', discovery)
    const where = ['--id', id, '--out', join(state, 'ca'), '--config', files.settings]
    await second.#processes.run('ca issue', 'ca', 'issue', ...where)
    await second.run()
    return second
  }

  async run(): Promise<void> {
    this.#process = this.#processes.mesh('cp-2', 'controlplane', '--config', this.#plane.settings)
    await until('the second control plane to answer', () => this.ask<StatusView>('/v1/status'))
  }

  get process(): DemoProcess {
    if (this.#process === undefined) throw new Error('the second control plane does not run')
    return this.#process
  }

  ask<T>(path: string): Promise<T> {
    return askControlPlane<T>(this.#plane.socket, 'GET', path)
  }

  mesh(...parameters: readonly string[]): Promise<string> {
    return this.#processes.run(parameters.join(' '), ...parameters, '--socket', this.#plane.socket)
  }

  hosts(): Promise<readonly HostView[]> {
    return this.ask<readonly HostView[]>('/v1/hosts')
  }

  services(): Promise<readonly ServiceView[]> {
    return this.ask<readonly ServiceView[]>('/v1/services')
  }

  /** Waits until both control planes have a session with every host, and every Envoy has what the followed one gives. */
  async knowsAllOf(first: MeshLab): Promise<void> {
    const well = (hosts: readonly HostView[]) =>
      hosts.length === first.hosts.length && hosts.every(({ status, sync }) => status === 'live' && sync === 'SYNCED')
    await until(
      'every host to be known by both control planes',
      async () => well(await first.ask<readonly HostView[]>('/v1/hosts')) && well(await this.hosts()),
      90_000,
    )
  }

  async end(): Promise<void> {
    await this.#processes.stopAll(4000)
  }
}
