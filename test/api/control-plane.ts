import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { askControlPlane } from '../../cli/admin-client.js'
import type { TokenCreated, TokenRequest } from '../../common/admin-api.js'
import { parseToken } from '../../common/join-token.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { type Authority, initAuthority, loadAuthority } from '../../controlplane/ca/authority.js'
import { controlPlaneOf } from '../../controlplane/ca/ca-certificate.js'
import { issueIntermediate } from '../../controlplane/ca/issue-intermediate.js'
import { readOwner } from '../../controlplane/ca/owner.js'
import { runControlPlane } from '../../controlplane/main.js'
import { controlPlaneSettings } from '../../controlplane/settings-schema.js'
import { atEnd } from '../lab/at-end.js'
import { type Line, TRUST_DOMAIN, watchedLog } from './watched-log.js'

/** How a control plane of a test is to be. */
export interface TestControlPlaneOptions {
  /** Its state and CA; a new one unless given. */
  readonly directory?: string
  /** When a new CA is made, wall-clock milliseconds; now unless given. */
  readonly authorityMadeAt?: number
  readonly leafTtl?: string
  readonly recoveryGrace?: string
  /** The address at which it listens; loopback unless given. */
  readonly listen?: string
  /** How long hosts that are not heard of are waited for. */
  readonly discovery?: { readonly lostGrace?: string; readonly returnGrace?: string }
  /** Text of documents of the mesh. */
  readonly documents?: string
  /** The first control plane of the mesh that this one belongs to; absent: a mesh of its own. */
  readonly beside?: TestControlPlane
}

/** A control plane that runs in this process on loopback. */
export interface TestControlPlane {
  readonly directory: string
  /** The admin socket. */
  readonly socket: string
  readonly address: SocketAddress
  readonly authority: Authority
  readonly lines: readonly Line[]
  ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>
  createToken(request: TokenRequest): Promise<string>
  /** Ends it; its directory stays until the test ends. */
  stop(): Promise<void>
}

/** A directory that is gone after the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hostmesh-api-'))
  atEnd(t, () => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Runs a control plane until the test ends or it is stopped; answers once it can be asked. */
export async function startControlPlane(
  t: TestContext,
  options: TestControlPlaneOptions = {},
): Promise<TestControlPlane> {
  const { directory = await prepareDirectory(t, options), leafTtl = '72h', recoveryGrace = '720h' } = options
  const { listen = '127.0.0.1', discovery = {} } = options
  if (options.documents !== undefined) await writeFile(join(directory, 'mesh.d', 'test.yaml'), options.documents)
  const stopping = new AbortController()
  const { log, lines } = watchedLog()
  const own = await readOwner(join(directory, 'ca'))
  const id = own && controlPlaneOf(own.intermediate.certificate.subject)
  const settings = settingsOf(id, directory, listen, { ca: { leafTtl, recoveryGrace }, discovery })
  const running = runControlPlane({ settings, environment: {}, log }, stopping.signal)
  const stop = async () => {
    stopping.abort()
    await running
  }
  atEnd(t, stop)
  const failed = running.then(() => Promise.reject(new Error('the control plane ended')))
  const socket = settings.admin.socket
  await Promise.race([failed, eventually(() => askControlPlane(socket, 'GET', '/v1/status'))])
  failed.catch(() => undefined)
  const ask = <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) =>
    askControlPlane<T>(socket, method, path, body)
  const createToken = async (request: TokenRequest) => (await ask<TokenCreated>('POST', '/v1/tokens', request)).token
  const authority = await loadAuthority(join(directory, 'ca'))
  // Port 0 was asked for: tokens tell which one it became.
  const [address] = parseToken(await createToken({ host: 'nobody', services: [] })).controlPlanes
  if (address === undefined) throw new Error('a token without an address')
  return { directory, socket, address, authority, lines, ask, createToken, stop }
}

/** Repeats a check until it passes. @throws its last error after that many milliseconds, 10 s unless given */
export async function eventually<T>(check: () => Promise<T>, withinMs = 10_000): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** Fails a promise that takes longer than this many milliseconds. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

async function prepareDirectory(
  t: TestContext,
  { beside, authorityMadeAt: now = Date.now() }: TestControlPlaneOptions,
): Promise<string> {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'mesh.d'))
  await mkdir(join(directory, 'catalog.d'))
  const ca = join(directory, 'ca')
  if (beside === undefined) await initAuthority(ca, { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1', now })
  else await issueIntermediate(ca, { controlPlaneId: 'cp-2', rootDirectory: join(beside.directory, 'ca') })
  return directory
}

function settingsOf(
  id: string | undefined,
  directory: string,
  listen: string,
  { ca, discovery }: { readonly ca: object; readonly discovery: object },
) {
  const settings = controlPlaneSettings.parse({
    id,
    trustDomain: TRUST_DOMAIN,
    listen: '127.0.0.1:15012',
    admin: { socket: join(directory, 'admin.sock'), http: 'off' },
    discovery: { files: join(directory, 'catalog.d'), ...discovery },
    config: [join(directory, 'mesh.d')],
    state: { directory },
    ca,
  })
  return { ...settings, listen: { address: listen, port: 0 } }
}
