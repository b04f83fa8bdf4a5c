import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askControlPlane } from '../../cli/admin-client.js'
import { type DemoProcess, DemoProcesses, MESH } from '../../cli/demo/processes.js'
import type { HostView, ServiceView, StatusView } from '../../common/admin-api.js'
import { findTestEnvoy } from '../lab/envoy.js'
import { firstControlPlane, type LabFiles, labFiles, placeFile, writeControlPlane, writeHost } from './files.js'
import type { LabHost } from './hosts.js'
import { until } from './until.js'

/** What a lab is made of. */
export interface LabPlan {
  readonly hosts: readonly LabHost[]
  /** Documents by file name. */
  readonly documents?: Readonly<Record<string, string>>
  /** Where the control plane listens; absent: 127.0.3.100. */
  readonly address?: string
  /** Further lines of `controlplane.yaml`. */
  readonly controlPlane?: string
  /** Command before each process, which runs it in a namespace; absent: they run where the test does. */
  readonly within?: readonly string[]
  /** Further keys of its `discovery`. */
  readonly discovery?: string
  /** Version of the Envoys; absent: the newest that is supported. */
  readonly envoy?: string
}

/** Environment variables for one process, beside our own. */
export type Environment = Readonly<Record<string, string>>

/** A line of a log; further fields are facts. */
export interface LogLine {
  readonly level: string
  readonly time: string
  readonly message: string
  readonly [fact: string]: unknown
}

/** A small mesh of real processes on 127.0.3.0/24: a control plane, and for each host an agent with its Envoy. */
export class MeshLab {
  readonly files: LabFiles
  readonly hosts: readonly LabHost[]
  readonly #processes: DemoProcesses
  readonly #running = new Map<string, DemoProcess>()
  readonly #envoy: string
  /** By host: where it is another one. */
  readonly #envoys = new Map<string, string>()

  /** Starts a lab. What fails to start leaves nothing behind. Applications are the test's own. */
  static async start(plan: LabPlan): Promise<MeshLab> {
    const envoy = await findTestEnvoy(plan.envoy)
    const lab = new MeshLab(labFiles(await mkdtemp(join(tmpdir(), 'mesh-e2e-'))), plan, envoy)
    try {
      await lab.#start(plan)
      return lab
    } catch (error) {
      await lab.end()
      throw error
    }
  }

  private constructor(files: LabFiles, { hosts, within }: LabPlan, envoy: string) {
    this.files = files
    this.#envoy = envoy
    this.hosts = hosts
    this.#processes = new DemoProcesses(files.root, within)
  }

  async startControlPlane(environment: Environment = {}): Promise<void> {
    this.launchControlPlane(environment)
    await until('the control plane to answer', () => this.ask<StatusView>('/v1/status'))
  }

  /** Starts the control plane without waiting for its first answer. */
  launchControlPlane(environment: Environment = {}): void {
    const words = [MESH, 'controlplane', '--config', this.files.settings]
    this.#running.set('controlplane', this.#processes.start('controlplane', words, environment))
  }

  startAgent(host: LabHost, environment: Environment = {}): void {
    // The variable is that of the test run, and would win over the settings.
    const envoy = { MESH_ENVOY_PATH: this.#envoys.get(host.name) ?? this.#envoy }
    const words = [MESH, 'agent', '--config', this.files.host(host.name).settings]
    this.#running.set(host.name, this.#processes.start(host.name, words, { ...envoy, ...environment }, host.before))
  }

  /** Has the agent of a host start another Envoy from its next start on. */
  useEnvoy({ name }: LabHost, path: string): void {
    this.#envoys.set(name, path)
  }

  /** The lines that `controlplane`, or the agent of a host, has logged since the lab was started. */
  async logOf(name: string): Promise<readonly LogLine[]> {
    const text = await readFile(this.#processes.logOf(name), 'utf8')
    return text.split('\n').flatMap((line) => (line.startsWith('{') ? (JSON.parse(line) as LogLine) : []))
  }

  /** The running process of `controlplane`, or the agent of a host. @throws when there is none */
  process(name: string): DemoProcess {
    const found = this.#running.get(name)
    if (found === undefined) throw new Error(`${name} does not run`)
    return found
  }

  /** The process ID of the Envoy of a host, as its agent noted it. */
  async envoyPid(host: LabHost): Promise<number> {
    const text = await readFile(join(this.files.host(host.name).run, 'envoy-process.json'), 'utf8')
    return (JSON.parse(text) as { pid: number }).pid
  }

  /** Writes a document, whole. */
  place(name: string, text: string): Promise<void> {
    return placeFile(this.files.document(name), text)
  }

  ask<T>(path: string): Promise<T> {
    return askControlPlane<T>(this.files.socket, 'GET', path)
  }

  /** Runs the command without asking the control plane. */
  run(...parameters: readonly string[]): Promise<string> {
    return this.#processes.run(parameters.join(' '), ...parameters)
  }

  mesh(...parameters: readonly string[]): Promise<string> {
    return this.#processes.run(parameters.join(' '), ...parameters, '--socket', this.files.socket)
  }

  async hostView(host: LabHost): Promise<HostView> {
    const found = (await this.ask<HostView[]>('/v1/hosts')).find((one) => one.host === host.name)
    if (found === undefined) throw new Error(`${host.name} is not known`)
    return found
  }

  /** Waits until every host is live and synced and every instance passes. */
  async settled(): Promise<void> {
    const instances = this.hosts.reduce((sum, { services }) => sum + services.length, 0)
    await until(
      'all hosts to be synced and all instances to pass',
      async () => {
        const hosts = await this.ask<HostView[]>('/v1/hosts')
        const services = await this.ask<ServiceView[]>('/v1/services')
        const synced = hosts.filter(({ status, sync }) => status === 'live' && sync === 'SYNCED')
        const passing = services.flatMap((one) => one.instances).filter(({ health }) => health === 'passing')
        return synced.length === this.hosts.length && passing.length >= instances
      },
      20_000 + 2_000 * this.hosts.length,
    )
  }

  /** Joins a host by a new token. */
  async join(host: LabHost): Promise<void> {
    const files = this.files.host(host.name)
    const services = host.services.flatMap(({ service }) => ['--service', service])
    await placeFile(files.token, await this.mesh('token', 'create', '--host', host.name, ...services))
    await this.#processes.run('join', 'join', '--config', files.settings, '--token-file', files.token)
  }

  /** Ends every process by its ID, Envoys that lost their agent too, and removes all files. */
  async end(): Promise<void> {
    await this.#processes.stopAll(4000)
    for (const host of this.hosts) await this.#endEnvoy(host)
    await rm(this.files.root, { recursive: true, force: true })
  }

  async #start(plan: LabPlan): Promise<void> {
    for (const directory of ['mesh.d', 'catalog.d']) await mkdir(join(this.files.root, directory))
    await writeControlPlane(
      this.files,
      firstControlPlane(this.files, plan.address),
      plan.controlPlane ?? '',
      plan.discovery,
    )
    for (const [name, text] of Object.entries(plan.documents ?? {})) await placeFile(this.files.document(name), text)
    await this.#processes.run('ca init', 'ca', 'init', '--config', this.files.settings)
    await this.startControlPlane()
    for (const host of this.hosts) await writeHost(this.files.host(host.name), host, this.#envoy)
    await Promise.all(this.hosts.map((host) => this.join(host)))
    for (const host of this.hosts) this.startAgent(host)
    await this.settled()
  }

  async #endEnvoy(host: LabHost): Promise<void> {
    const pid = await this.envoyPid(host).catch(() => 0)
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(this.files.root)) process.kill(pid, 'SIGKILL')
  }
}
