import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readYaml } from '../../common/config/yaml.js'
import { delay } from '../../common/tasks.js'
import { HOST_COLUMNS } from '../commands/hosts.js'
import { SERVICE_COLUMNS, serviceRows } from '../commands/services.js'
import type { Write } from '../output.js'
import { formatTable } from '../table.js'
import type { ShopAnswer } from './client.js'
import { Load } from './load.js'
import type { DemoMesh } from './mesh.js'

/** How often a line about the traffic is printed, milliseconds. */
const LINE_MS = 3_000

const REQUESTS_PER_SECOND = 40

/** Shows the running mesh: who is there, what to try, and a line about the traffic every few seconds, until the signal aborts. */
export async function show(mesh: DemoMesh, write: Write, signal: AbortSignal): Promise<void> {
  write(`\n${formatTable(await mesh.hosts(), HOST_COLUMNS)}\n`)
  write(`${formatTable(serviceRows(await mesh.services()), SERVICE_COLUMNS)}\n`)
  write(thingsToTry(mesh))
  let answers: ShopAnswer[] = []
  const load = new Load(mesh.host('web-1'), REQUESTS_PER_SECOND, (answer) => answers.push(answer))
  let before = load.counts
  while (!signal.aborted) {
    await delay(LINE_MS, signal)
    const now = load.counts
    const seen = answers
    answers = []
    if (!signal.aborted) write(trafficLine(seen, now.failed - before.failed, await configuredSplit(mesh)))
    before = now
  }
  await load.stop()
}

function trafficLine(answers: readonly ShopAnswer[], failed: number, configured: string): string {
  const parts = new Map<string, number>()
  for (const { status, version, host } of answers) {
    const who = status === 200 ? `${version} on ${host}` : `status ${status}`
    parts.set(who, (parts.get(who) ?? 0) + 1)
  }
  const observed = [...parts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([who, count]) => `${who} ${((100 * count) / answers.length).toFixed(0)} %`)
  const caller = answers.find(({ callerSeen }) => callerSeen !== undefined)?.callerSeen ?? 'nobody'
  const head = `${answers.length} requests, ${failed} failed`
  return `${head} | payments: ${observed.join(', ')} (configured ${configured}) | callee saw ${caller}\n`
}

/** The weights of the route as its file says now. */
async function configuredSplit(mesh: DemoMesh): Promise<string> {
  const file = join(mesh.layout.controlPlane.documents, 'routes.d', 'payments.yaml')
  const { documents } = readYaml('payments.yaml', await readFile(file, 'utf8').catch(() => ''))
  const route = documents.map(({ value }) => value as RouteText).find(({ kind }) => kind === 'route')
  const split = route?.rules?.[0]?.split ?? []
  return split.map(({ subset, weight }) => `${subset} ${weight}`).join(' : ') || 'nothing'
}

interface RouteText {
  readonly kind?: string
  readonly rules?: readonly { readonly split?: readonly { readonly subset?: string; readonly weight?: number }[] }[]
}

function thingsToTry(mesh: DemoMesh): string {
  const { documents, socket } = mesh.layout.controlPlane
  const route = join(documents, 'routes.d', 'payments.yaml')
  const rules = join(documents, 'mesh.d', 'shop.yaml')
  const web = mesh.host('web-1')
  const command = 'node dist/cli/main.js'
  return `Customers call http://${web.address}:${web.port}/ all the time. Try, in another terminal:

1. Change the weights of the split and see the line below follow:
     sed -i 's/weight: 75/weight: 10/' ${route}

2. Deny a caller, and read the 403 of the callee's Envoy; then take it back:
     sed -i 's/services: \\[web\\] }/services: [nobody] }/' ${rules}
     sed -i 's/services: \\[nobody\\] }/services: [web] }/' ${rules}

3. Stop an instance, or the control plane, and count the failed requests:
     kill -9 ${mesh.process('app-pay-1').pid}    # the application of pay-1; pay-3 runs v1 too
     kill -9 ${mesh.process('controlplane').pid}    # the control plane
     ${command} controlplane --config ${mesh.layout.controlPlane.settings}    # start it again; end this one with Ctrl-C first

Look at the mesh:
     ${command} hosts --socket ${socket}
     ${command} services --socket ${socket}
     ${command} status --socket ${socket}
     ${command} describe service payments --socket ${socket}

Ctrl-C ends everything and removes ${mesh.layout.root}.

`
}
