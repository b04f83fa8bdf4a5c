import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { formatSocketAddress } from '../../common/socket-address.js'
import type { LabHost, LabService } from './hosts.js'

/** A control plane of a lab. */
export interface LabControlPlane {
  readonly id: string
  readonly address: string
  readonly settings: string
  readonly socket: string
  readonly state: string
}

/** The first control plane's loopback address in the lab; the demo has another. */
export const FIRST_ADDRESS = '127.0.3.100'

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

/** The text of what the agent of a host has on disk of its control plane. */
export async function readCached(host: HostFiles): Promise<string> {
  return readFile(await cacheOf(host), 'utf8')
}

async function cacheOf({ state }: HostFiles): Promise<string> {
  const directory = join(state, 'cache')
  const [name = ''] = await readdir(directory)
  return join(directory, name)
}

/**
 * Makes what the agent of a host has on disk that of a moment before it had any resource whose name begins so.
 *
 * @throws where it has none
 */
export async function forgetCached(host: HostFiles, beginning: string): Promise<void> {
  const cache = JSON.parse(await readCached(host)) as { resources: [string, string][] }
  const resources = cache.resources.filter(([, resource]) => !resource.startsWith(beginning))
  if (resources.length === cache.resources.length) throw new Error(`nothing named ${beginning}… is in the cache`)
  await placeFile(await cacheOf(host), JSON.stringify({ ...cache, resources }))
}

/** The only control plane of a lab, or the first. */
export function firstControlPlane(
  { root, settings, socket }: LabFiles,
  address: string = FIRST_ADDRESS,
): LabControlPlane {
  return { id: 'cp-1', address, settings, socket, state: join(root, 'state') }
}

/**
 * @param more further lines of `controlplane.yaml`
 * @param discovery further keys of its `discovery`
 */
export function writeControlPlane(
  { root }: LabFiles,
  { id, address, settings, socket, state }: LabControlPlane,
  more: string,
  discovery = '',
): Promise<void> {
  return placeFile(
    settings,
    `id: ${id}
trustDomain: lab.example
listen: "${formatSocketAddress({ address, port: 15012 })}"
admin: { socket: ${socket}, http: "${formatSocketAddress({ address, port: 15014 })}" }
discovery: { files: ${join(root, 'catalog.d')}${discovery === '' ? '' : `, ${discovery}`} }
config: [${join(root, 'mesh.d')}]
state: { directory: ${state} }
${more}
`,
  )
}

export async function writeHost(files: HostFiles, host: LabHost, envoy: string): Promise<void> {
  const at = (port: number) => formatSocketAddress({ address: host.address, port })
  await placeFile(
    files.settings,
    `host: ${host.name}
address: "${host.address}"
applicationAddress: "${host.address}"
names: ${JSON.stringify(namesOf(host))}
metrics: { envoy: "${at(15090)}", agent: "${at(15091)}" }
envoy: { path: ${envoy}, concurrency: 1, drainTime: 1s }
servicesDirectory: ${dirname(files.service('any'))}
stateDirectory: ${files.state}
runDirectory: ${files.run}
envoyRunDirectory: ${files.envoyRun}
${host.settings ?? ''}
`,
  )
  for (const service of host.services)
    await placeFile(files.service(service.file ?? service.service), serviceFile(service))
}

function namesOf({ address, range, as, names }: LabHost) {
  return { range, dns: formatSocketAddress({ address, port: 15053 }), ...(as === undefined ? {} : { as }), ...names }
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
