import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { type Client, type ServiceError, status } from '@grpc/grpc-js'
import { call, enrol } from '../../agent/control-plane/calls.js'
import { openChannel } from '../../agent/control-plane/channel.js'
import { askControlPlane } from '../../cli/admin-client.js'
import { type DemoProcess, DemoProcesses } from '../../cli/demo/processes.js'
import type { StatusView, TokenCreated, TokenView } from '../../common/admin-api.js'
import { EnrolRequestSchema } from '../../common/proto/mesh/v1/mesh_pb.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { buildCsr } from '../../common/x509/csr.js'
import { generateKeyPair } from '../../common/x509/keys.js'
import { initAuthority } from '../../controlplane/ca/authority.js'
import { placeFile } from '../e2e/files.js'
import { atEnd } from '../lab/at-end.js'
import { temporaryDirectory } from './control-plane.js'
import { TRUST_DOMAIN } from './watched-log.js'

const ROUNDS = 50
const AT_ONCE = 100

/** After how many answers of a round the control plane is killed; 0: not in this round. */
const killAfter = (round: number) => (round % 10 === 4 ? 20 + round : 0)

test('of 5,000 uses of tokens over real connections no more keys get in than there are uses, though the control plane is killed again and again', async (t) => {
  const controlPlane = await startProcess(t)
  for (let round = 0; round < ROUNDS; round++) {
    const uses = 1 + (round % 7)
    const hosts = `r${round}-`
    const { token } = await controlPlane.ask<TokenCreated>('POST', '/v1/tokens', {
      host: `${hosts}*`,
      services: [],
      uses,
    })
    // Every tenth asks under a name that the token does not allow.
    const attempts = Array.from({ length: AT_ONCE }, (_, n) => attempt(`${n % 10 === 9 ? 'x' : hosts}${n}`, token))
    const granted = await useAll(controlPlane, attempts, killAfter(round))
    assert.equal(granted.length, uses, `round ${round}`)
    assert.ok(granted.every(({ host }) => host.startsWith(hosts)))
    // Whoever got in may ask again, and takes nothing by it.
    assert.equal((await useAll(controlPlane, granted, 0)).length, uses)
    // Only tokens with uses left are listed.
    const listed = await controlPlane.ask<readonly TokenView[]>('GET', '/v1/tokens')
    assert.ok(!listed.some(({ host }) => host === `${hosts}*`), `round ${round}`)
  }
  assert.equal(controlPlane.kills(), 5)
})

function attempt(host: string, token: string) {
  const proof = { case: 'token' as const, value: token }
  return create(EnrolRequestSchema, { host, csrPem: buildCsr(generateKeyPair()), proof })
}

type Attempt = ReturnType<typeof attempt>

/** Sends all attempts at once, each again until it is answered. @returns those that were granted */
async function useAll(
  controlPlane: ControlPlaneProcess,
  attempts: readonly Attempt[],
  killAt: number,
): Promise<readonly Attempt[]> {
  let answers = 0
  let killed: Promise<void> | undefined
  const outcomes = await Promise.all(
    attempts.map(async (one, index) => {
      for (;;) {
        const outcome = await outcomeOf(controlPlane.client(index), one)
        if (outcome !== 'no answer') {
          if (++answers === killAt) killed = controlPlane.kill()
          return outcome
        }
        await controlPlane.back()
      }
    }),
  )
  await killed
  return attempts.filter((_, index) => outcomes[index] === 'granted')
}

async function outcomeOf(client: Client, one: Attempt): Promise<'granted' | 'refused' | 'no answer'> {
  try {
    await call(client, enrol, one)
    return 'granted'
  } catch (error) {
    const { code, details } = error as ServiceError
    if (code === status.UNAVAILABLE || code === status.CANCELLED) return 'no answer'
    assert.equal(code, status.PERMISSION_DENIED, details)
    assert.match(details, /^the join token is not accepted/)
    return 'refused'
  }
}

interface ControlPlaneProcess {
  ask<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T>
  /** One of the connections; another one after the control plane was killed. */
  client(index: number): Client
  kills(): number
  /** Kills it by SIGKILL and starts it again. */
  kill(): Promise<void>
  /** Waits until it runs. */
  back(): Promise<void>
}

async function startProcess(t: TestContext): Promise<ControlPlaneProcess> {
  const directory = await temporaryDirectory(t)
  // An address of this process alone, so that other tests can run beside it.
  const address: SocketAddress = { address: `127.${128 + (process.pid % 120)}.254.1`, port: 15012 }
  const { bundlePem } = await initAuthority(join(directory, 'ca'), {
    trustDomain: TRUST_DOMAIN,
    controlPlaneId: 'cp-1',
  })
  for (const name of ['mesh.d', 'catalog.d']) await mkdir(join(directory, name))
  const [settings, socket] = [join(directory, 'controlplane.yaml'), join(directory, 'admin.sock')]
  await placeFile(settings, settingsText(directory, address, socket))
  const processes = new DemoProcesses(directory)
  atEnd(t, () => processes.stopAll(4_000))
  let clients: Client[] = []
  const start = async (): Promise<DemoProcess> => {
    const started = processes.mesh('controlplane', 'controlplane', '--config', settings)
    while (!(await answers(socket))) assert.ok(started.running(), 'the control plane ended')
    for (const client of clients) client.close()
    clients = Array.from({ length: AT_ONCE }, () =>
      openChannel(address, { trustBundlePem: bundlePem, trustDomain: TRUST_DOMAIN }, undefined),
    )
    return started
  }
  let kills = 0
  let running = start()
  await running
  atEnd(t, () => {
    for (const client of clients) client.close()
  })
  return {
    ask: (method, path, body) => askControlPlane(socket, method, path, body),
    client: (index) => clients[index % clients.length] as Client,
    kills: () => kills,
    async kill() {
      kills++
      running = running.then(async (process) => {
        await process.end('SIGKILL')
        return start()
      })
      await running
    },
    back: async () => void (await running),
  }
}

async function answers(socket: string): Promise<boolean> {
  return askControlPlane<StatusView>(socket, 'GET', '/v1/status').then(
    () => true,
    () => false,
  )
}

function settingsText(directory: string, { address, port }: SocketAddress, socket: string): string {
  return `trustDomain: ${TRUST_DOMAIN}
listen: ${address}:${port}
admin: { socket: ${socket}, http: off }
discovery: { files: ${join(directory, 'catalog.d')} }
config: [${join(directory, 'mesh.d')}]
state: { directory: ${directory} }
`
}
