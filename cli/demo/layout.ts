import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSocketAddress, type SocketAddress } from '../../common/socket-address.js'

/** One "host" of the demo: a loopback address with an agent, an Envoy and an application of its own. */
export interface DemoHost {
  readonly name: string
  readonly address: string
  /** Its range of virtual addresses. */
  readonly range: string
  readonly service: string
  /** The application, below `examples/shop/apps`. */
  readonly app: string
  readonly version?: string
  /** The port on which the application listens. */
  readonly port: number
}

/** Where everything of one demo is: below one directory, on addresses of 127.0.1.0/24. */
export interface DemoLayout {
  readonly root: string
  readonly controlPlane: {
    readonly settings: string
    readonly socket: string
    /** Where the documents are that a person may edit. */
    readonly documents: string
  }
  readonly hosts: readonly DemoHost[]
  /** Path of a host's `agent.yaml`. */
  readonly agentSettings: (host: string) => string
  /** Path of a host's join token. */
  readonly tokenFile: (host: string) => string
}

/** The scenario `examples/shop`: web calls payments (v1 and v2), payments books in the ledger. */
export const SHOP_HOSTS: readonly DemoHost[] = [
  { name: 'web-1', address: '127.0.1.1', range: '127.81.0.0/16', service: 'web', app: 'web', port: 8080 },
  {
    name: 'pay-1',
    address: '127.0.1.2',
    range: '127.82.0.0/16',
    service: 'payments',
    app: 'payments',
    version: 'v1',
    port: 9090,
  },
  {
    name: 'pay-2',
    address: '127.0.1.3',
    range: '127.83.0.0/16',
    service: 'payments',
    app: 'payments',
    version: 'v2',
    port: 9090,
  },
  {
    name: 'pay-3',
    address: '127.0.1.4',
    range: '127.84.0.0/16',
    service: 'payments',
    app: 'payments',
    version: 'v1',
    port: 9090,
  },
  { name: 'ledger-1', address: '127.0.1.5', range: '127.85.0.0/16', service: 'ledger', app: 'ledger', port: 7000 },
]

/** The control plane's own loopback address. */
const CONTROL_PLANE = '127.0.1.100:15012'

/** Where its status is read. */
const STATUS = '127.0.1.100:15014'

/** All addresses at which the parts of the demo listen. */
export function demoAddresses(): readonly SocketAddress[] {
  const hosts = SHOP_HOSTS.flatMap(({ address, port }) =>
    [port, 15006, 15053, 15090, 15091].map((one) => ({ address, port: one })),
  )
  return [...[CONTROL_PLANE, STATUS].flatMap((text) => parseSocketAddress(text) ?? []), ...hosts]
}

/** The examples as they are shipped, in the package's root beside `dist`. */
export const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url))

/** Writes the settings of all parts below `root` and copies the documents of the scenario there, to be edited. */
export async function writeLayout(root: string, envoyPath: string): Promise<DemoLayout> {
  const documents = join(root, 'controlplane')
  const layout: DemoLayout = {
    root,
    controlPlane: {
      settings: join(documents, 'controlplane.yaml'),
      socket: join(root, 'run', 'admin.sock'),
      documents,
    },
    hosts: SHOP_HOSTS,
    agentSettings: (host) => join(root, 'hosts', host, 'agent.yaml'),
    tokenFile: (host) => join(root, 'hosts', host, 'token'),
  }
  await cp(join(EXAMPLES, 'shop', 'controlplane'), documents, { recursive: true })
  await mkdir(join(documents, 'catalog.d'))
  await writeFile(layout.controlPlane.settings, controlPlaneSettings(layout))
  for (const host of layout.hosts) {
    const directory = join(root, 'hosts', host.name)
    await mkdir(directory, { recursive: true })
    await cp(join(EXAMPLES, 'shop', 'hosts', host.name), directory, { recursive: true })
    await writeFile(layout.agentSettings(host.name), agentSettings(directory, host, envoyPath))
  }
  return layout
}

function controlPlaneSettings({ root, controlPlane }: DemoLayout): string {
  return `id: cp-1
trustDomain: shop.example
listen: ${CONTROL_PLANE}
admin: { socket: ${controlPlane.socket}, http: "${STATUS}" }
discovery: { files: ${join(controlPlane.documents, 'catalog.d')} }
config: [${join(controlPlane.documents, 'mesh.d')}, ${join(controlPlane.documents, 'routes.d')}]
state: { directory: ${join(root, 'state', 'controlplane')} }
`
}

function agentSettings(directory: string, { name, address, range }: DemoHost, envoyPath: string): string {
  return `host: ${name}
address: ${address}
applicationAddress: ${address}
names: { range: ${range}, dns: "${address}:15053" }
metrics: { envoy: "${address}:15090", agent: "${address}:15091" }
envoy: { path: ${envoyPath}, concurrency: 1, drainTime: 2s }
servicesDirectory: ${join(directory, 'services.d')}
stateDirectory: ${join(directory, 'state')}
runDirectory: ${join(directory, 'run')}
envoyRunDirectory: ${join(directory, 'run-envoy')}
`
}
