import { join } from 'node:path'
import { type Application, answerWithRequest, startHttp } from '../../e2e/application.js'
import { closeConnections, type Target, targetOn } from '../../e2e/client.js'
import { HTTP_PORT, type LabHost, PAY_1, PAY_2 } from '../../e2e/hosts.js'
import { MeshLab } from '../../e2e/lab.js'
import { until } from '../../e2e/until.js'
import { Herd } from '../../herd/herd.js'
import { serviceDocuments } from '../mesh/documents.js'

/** How large such a mesh is. */
export interface DataPlaneSize {
  /** Hosts with a real agent and a real Envoy that call. */
  readonly envoys: number
  /** Light agents: sessions and streams like those of the real ones, over mutual TLS, and no Envoy behind them. */
  readonly clients: number
  /** That the light agents run. */
  readonly services: number
}

/** A mesh in which real Envoys are a few among many. */
export class DataPlane implements AsyncDisposable {
  readonly lab: MeshLab
  /** Where an application of each calling host finds the service. */
  readonly targets: readonly Target[]
  readonly #herd: Herd
  readonly #applications: readonly Application[]

  constructor(lab: MeshLab, targets: readonly Target[], herd: Herd, applications: readonly Application[]) {
    this.lab = lab
    this.targets = targets
    this.#herd = herd
    this.#applications = applications
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeConnections()
    await this.#herd.end()
    await this.lab.end()
    for (const application of this.#applications) await application.end()
  }
}

/** The instance that comes and goes, as its own check finds out. */
export const CHANGING: LabHost = {
  ...PAY_2,
  services: [{ service: 'payments', port: HTTP_PORT, check: '{ http: /health, interval: 100ms }' }],
}

/** Whether the application of the changing instance says that it is well. */
export const health = { well: true }

/** Starts everything, and waits until every host is in step. */
export async function startDataPlane(size: DataPlaneSize, progress: (text: string) => void): Promise<DataPlane> {
  const applications = [await startInstance(PAY_1), await startInstance(CHANGING)]
  const callers = Array.from({ length: size.envoys }, (_, index) => callerOf(index))
  progress(`${size.envoys} Envoys with their agents start`)
  const lab = await MeshLab.start({
    hosts: [PAY_1, CHANGING, ...callers],
    documents: documentsOf(size.services),
  })
  progress(`${size.clients} light agents join`)
  const herd = await joinHerd(lab, size)
  progress('all of them come into step')
  await until('the herd to be in step', () => herd.inStep === size.clients, LONGEST_MS)
  const targets = await Promise.all(callers.map((host) => targetOn(host, 'payments', HTTP_PORT)))
  return new DataPlane(lab, targets, herd, applications)
}

/** For thousands of hosts to join, milliseconds. */
const LONGEST_MS = 600_000

function callerOf(index: number): LabHost {
  const name = `caller-${index}`
  return { name, address: `127.0.4.${index + 1}`, range: `127.${150 + index}.0.0/16`, services: [] }
}

function startInstance({ name, address }: LabHost): Promise<Application> {
  return startHttp(address, HTTP_PORT, (request, response) => {
    if (request.url === '/health') response.writeHead(health.well ? 200 : 503)
    response.end(answerWithRequest(request, { servedBy: name }))
  })
}

function documentsOf(services: number): Readonly<Record<string, string>> {
  const names = Array.from({ length: services }, (_, index) => index)
  return Object.fromEntries(
    names.map((index) => [`herd-${index}.yaml`, serviceDocuments(index, services, herdService)]),
  )
}

function herdService(index: number): string {
  return `herd-${index}`
}

async function joinHerd(lab: MeshLab, { clients, services }: DataPlaneSize): Promise<Herd> {
  const options = ['--host', 'herd-*', '--service', 'herd-*', '--uses', String(clients), '--ttl', '1h']
  const token = (await lab.mesh('token', 'create', ...options)).trim()
  const herd = new Herd({ hosts: clients, services, token, directory: join(lab.files.root, 'herd') })
  await until('the herd to have joined', () => herd.joined, LONGEST_MS)
  return herd
}
