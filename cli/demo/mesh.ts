import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostView, ServiceView, StatusView } from '../../common/admin-api.js'
import { delay } from '../../common/tasks.js'
import { askControlPlane } from '../admin-client.js'
import { type DemoHost, type DemoLayout, EXAMPLES } from './layout.js'
import type { DemoProcess, DemoProcesses } from './processes.js'

/** Tells the person what is being done; called with one short line at a time. */
export type Progress = (line: string) => void

/** How long a step may take before the demo gives up on it, milliseconds. */
const STEP_TIMEOUT_MS = 30_000

const POLL_MS = 50

/** Something that the demo waited for did not come about in time. */
export class DemoTimeout extends Error {}

async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim().split('\n').at(-1) ?? ''
}

/** The mesh of the demo: one control plane, and for each host an agent (with its Envoy) and an application. */
export class DemoMesh {
  readonly layout: DemoLayout
  readonly #processes: DemoProcesses
  readonly #running = new Map<string, DemoProcess>()

  constructor(layout: DemoLayout, processes: DemoProcesses) {
    this.layout = layout
    this.#processes = processes
  }

  /** Brings everything up from nothing: CA, control plane, hosts that join, applications; until all is healthy. */
  async start(progress: Progress): Promise<void> {
    progress('making the certificate authority')
    await this.#processes.run('ca init', 'ca', 'init', '--config', this.layout.controlPlane.settings)
    progress('starting the control plane')
    await this.startControlPlane()
    progress(`joining ${this.layout.hosts.length} hosts: a token each, then their agents and Envoys`)
    await Promise.all(this.layout.hosts.map((host) => this.#join(host)))
    for (const host of this.layout.hosts) this.startAgent(host.name)
    progress('starting the applications')
    for (const host of this.layout.hosts) this.startApplication(host.name)
    progress('waiting until every host has its configuration and every service is healthy')
    await this.waitUntilHealthy(this.layout.hosts.length)
  }

  async startControlPlane(): Promise<void> {
    const process = this.#processes.mesh('controlplane', 'controlplane', '--config', this.layout.controlPlane.settings)
    this.#running.set('controlplane', process)
    await this.#until('the control plane to answer', process, () =>
      askControlPlane(this.layout.controlPlane.socket, 'GET', '/v1/status').then(
        () => true,
        () => false,
      ),
    )
  }

  startAgent(host: string): void {
    const name = `agent-${host}`
    this.#running.set(name, this.#processes.mesh(name, 'agent', '--config', this.layout.agentSettings(host)))
  }

  startApplication(host: string): void {
    const { app, address, port, version } = this.host(host)
    const name = `app-${host}`
    const script = join(EXAMPLES, '..', 'dist', 'examples', 'shop', 'apps', `${app}.js`)
    const environment = {
      LISTEN_ADDRESS: address,
      PORT: String(port),
      HOST_NAME: host,
      MESH_DNS: `${address}:15053`,
      ...(version === undefined ? {} : { VERSION: version }),
    }
    this.#running.set(name, this.#processes.start(name, [script], environment))
  }

  /** The running process of a part: `controlplane`, `agent-web-1`, `app-pay-1`. @throws when there is none */
  process(name: string): DemoProcess {
    const process = this.#running.get(name)
    if (process === undefined) throw new Error(`${name} does not run`)
    return process
  }

  /** The host of that name. @throws when there is none */
  host(name: string): DemoHost {
    const host = this.layout.hosts.find((one) => one.name === name)
    if (host === undefined) throw new Error(`no host ${name} in the demo`)
    return host
  }

  hosts(): Promise<HostView[]> {
    return askControlPlane(this.layout.controlPlane.socket, 'GET', '/v1/hosts')
  }

  services(): Promise<ServiceView[]> {
    return askControlPlane(this.layout.controlPlane.socket, 'GET', '/v1/services')
  }

  status(): Promise<StatusView> {
    return askControlPlane(this.layout.controlPlane.socket, 'GET', '/v1/status')
  }

  /** Waits until every host is live and synced, that many instances pass their checks, and nothing is amiss. */
  async waitUntilHealthy(instances: number): Promise<void> {
    await this.#until('all hosts to be synced and all services healthy', undefined, async () => {
      const [hosts, services, { problems }] = await Promise.all([this.hosts(), this.services(), this.status()])
      const synced = hosts.filter(({ status, sync }) => status === 'live' && sync === 'SYNCED')
      const passing = services.flatMap((service) => service.instances).filter(({ health }) => health === 'passing')
      const faultless = problems.every(({ severity }) => severity !== 'error')
      return synced.length === this.layout.hosts.length && passing.length === instances && faultless
    })
  }

  /** Waits for a condition. @throws DemoTimeout, or when the process it depends on has ended */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    await this.#until(what, undefined, holds)
  }

  async #join({ name, service }: DemoHost): Promise<void> {
    const socket = this.layout.controlPlane.socket
    const parameters = ['token', 'create', '--host', name, '--service', service, '--socket', socket]
    const token = await this.#processes.run(`token create for ${name}`, ...parameters)
    const file = this.layout.tokenFile(name)
    await writeFile(file, token, { mode: 0o600 })
    const settings = this.layout.agentSettings(name)
    await this.#processes.run(`join of ${name}`, 'join', '--config', settings, '--token-file', file)
  }

  async #until(what: string, needs: DemoProcess | undefined, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + STEP_TIMEOUT_MS
    const never = new AbortController().signal
    while (!(await holds())) {
      if (needs !== undefined && !needs.running()) {
        const log = this.#processes.logOf(needs.name)
        throw new DemoTimeout(`${needs.name} ended: ${await lastLine(log)}; all of its log: ${log}`)
      }
      if (Date.now() > deadline) throw new DemoTimeout(`waited ${STEP_TIMEOUT_MS / 1000} s for ${what}`)
      await delay(POLL_MS, never)
    }
  }
}
