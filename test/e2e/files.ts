import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { LabHost, LabService } from './hosts.js'

/** The control plane's loopback address in the lab; the demo has another. */
const CONTROL_PLANE = '127.0.3.100'

/** Where the parts of one lab have their files, all below `root`. */
export interface LabFiles {
  readonly root: string
  readonly settings: string
  readonly socket: string
  /** Documents that a test may write: `payments.yaml` → its path. */
  readonly document: (name: string) => string
  readonly catalog: (name: string) => string
  readonly host: (name: string) => HostFiles
}

export interface HostFiles {
  readonly settings: string
  readonly token: string
  readonly state: string
  readonly run: string
  readonly envoyRun: string
  readonly service: (name: string) => string
}

export function labFiles(root: string): LabFiles {
  return {
    root,
    settings: join(root, 'controlplane.yaml'),
    socket: join(root, 'admin.sock'),
    document: (name) => join(root, 'mesh.d', name),
    catalog: (name) => join(root, 'catalog.d', name),
    host: (name) => {
      const directory = join(root, name)
      return {
        settings: join(directory, 'agent.yaml'),
        token: join(directory, 'token'),
        state: join(directory, 'state'),
        run: join(directory, 'run'),
        envoyRun: join(directory, 'run-envoy'),
        service: (service) => join(directory, 'services.d', `${service}.yaml`),
      }
    },
  }
}

/** Writes a file as careful editors do, whole or not at all, so that no half of it is ever read. */
export async function placeFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

/** @param more further lines of `controlplane.yaml` */
export function writeControlPlane(files: LabFiles, more: string): Promise<void> {
  return placeFile(
    files.settings,
    `trustDomain: lab.example
listen: ${CONTROL_PLANE}:15012
admin: { socket: ${files.socket}, http: off }
discovery: { files: ${join(files.root, 'catalog.d')} }
config: [${join(files.root, 'mesh.d')}]
state: { directory: ${join(files.root, 'state')} }
${more}
`,
  )
}

export async function writeHost(files: HostFiles, host: LabHost, envoy: string): Promise<void> {
  await placeFile(
    files.settings,
    `host: ${host.name}
address: ${host.address}
applicationAddress: ${host.address}
names: ${JSON.stringify(namesOf(host))}
metrics: { envoy: "${host.address}:15090" }
envoy: { path: ${envoy}, concurrency: 1, drainTime: 1s }
servicesDirectory: ${dirname(files.service('any'))}
stateDirectory: ${files.state}
runDirectory: ${files.run}
envoyRunDirectory: ${files.envoyRun}
`,
  )
  for (const service of host.services) await placeFile(files.service(service.service), serviceFile(service))
}

function namesOf({ address, range, as, names }: LabHost) {
  return { range, dns: `${address}:15053`, ...(as === undefined ? {} : { as }), ...names }
}

const DEFAULT_CHECK = '{ tcp: true, interval: 500ms }'

function serviceFile({
  service,
  port,
  ports,
  protocol = 'http',
  check = DEFAULT_CHECK,
  more = '',
}: LabService): string {
  return `service: ${service}
${ports === undefined ? `port: ${port}` : `ports: ${ports}`}
protocol: ${protocol}
check: ${check}
${more}
`
}
