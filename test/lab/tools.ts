import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { cacheDirectory } from '../../cli/demo/fetch-envoy.js'

/** Where a program of the lab comes from. */
interface Source {
  /** Debian's package. */
  readonly package: string
  /** Taken out of the package instead of installed, because the package would start a service. */
  readonly file?: string
}

/** The programs that tests use beside Envoy. */
const SOURCES = {
  curl: { package: 'curl' },
  faketime: { package: 'faketime' },
  gcc: { package: 'gcc' },
  go: { package: 'golang-go' },
  ip: { package: 'iproute2' },
  javac: { package: 'default-jdk-headless' },
  'musl-gcc': { package: 'musl-tools' },
  nft: { package: 'nftables' },
  openssl: { package: 'openssl' },
  prlimit: { package: 'util-linux' },
  promtool: { package: 'prometheus', file: 'usr/bin/promtool' },
  python3: { package: 'python3' },
} as const satisfies Readonly<Record<string, Source>>

/** A program that {@link findTool} can have. */
export type Tool = keyof typeof SOURCES

/** A program that is not here and cannot be had. */
export class ToolMissing extends Error {
  override readonly name = 'ToolMissing'

  constructor(tool: Tool, cause: unknown) {
    super(`${tool} is missing: install Debian's package ${SOURCES[tool].package}`, { cause })
  }
}

/**
 * The path of a program: the machine's own, or else that of Debian's package, which root fetches.
 *
 * @throws {ToolMissing} where it is neither here nor to be had
 */
export async function findTool(tool: Tool): Promise<string> {
  const found = await lookUp(tool)
  if (found !== undefined) return found
  try {
    await fetchTool(tool)
  } catch (cause) {
    throw new ToolMissing(tool, cause)
  }
  const fetched = await lookUp(tool)
  if (fetched === undefined) throw new ToolMissing(tool, undefined)
  return fetched
}

/** Fetches every program that is not here, before any test runs, so that none waits for a download. */
export async function prepareTools(): Promise<void> {
  for (const tool of Object.keys(SOURCES) as Tool[]) {
    // Each test that needs it says so itself, and under `CI=true` fails.
    await findTool(tool).catch((error: Error) => process.stderr.write(`${error.message}\n`))
  }
}

/**
 * Finds a program for a test. Where it cannot be had the test is skipped with the reason, loudly, and undefined returned,
 * so the test returns too; under `CI=true` it fails.
 */
export async function toolOrSkip(t: Pick<TestContext, 'skip'>, tool: Tool): Promise<string | undefined> {
  try {
    return await findTool(tool)
  } catch (error) {
    if (process.env['CI'] === 'true' || !(error instanceof ToolMissing)) throw error
    process.stderr.write(`SKIPPED, ${error.message}\n`)
    t.skip(error.message)
    return undefined
  }
}

async function lookUp(tool: Tool): Promise<string | undefined> {
  const directories = (process.env['PATH'] ?? '').split(delimiter)
  for (const path of [...directories.map((directory) => join(directory, tool)), unpackedPath(tool)]) {
    if (await isExecutable(path)) return path
  }
  return undefined
}

function unpackedPath(tool: Tool): string {
  const { file = tool }: Source = SOURCES[tool]
  return join(cacheDirectory(process.env), 'debian', SOURCES[tool].package, file)
}

async function fetchTool(tool: Tool): Promise<void> {
  const { package: name, file }: Source = SOURCES[tool]
  process.stderr.write(`fetching ${tool} from Debian's package ${name} …\n`)
  await (file === undefined ? install(name) : unpack(name))
}

/** Asks the package index only when it is needed: it is often fresh, or not reachable while the package is cached. */
async function install(name: string): Promise<void> {
  const words = ['install', '--yes', '--no-install-recommends', '--option', 'DPkg::Lock::Timeout=300', name]
  await apt(words).catch(async () => {
    await apt(['update'])
    await apt(words)
  })
}

async function unpack(name: string): Promise<void> {
  const parent = join(cacheDirectory(process.env), 'debian')
  await mkdir(parent, { recursive: true })
  const work = await mkdtemp(join(parent, '.fetch-'))
  try {
    await apt(['download', name], work).catch(async () => {
      await apt(['update'])
      await apt(['download', name], work)
    })
    const archive = (await readdir(work)).find((file) => file.endsWith('.deb')) ?? ''
    await run('dpkg-deb', ['--extract', join(work, archive), join(work, 'tree')], work)
    await rename(join(work, 'tree'), join(parent, name)).catch(() => undefined) // another process was first
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function apt(words: readonly string[], directory = '/'): Promise<void> {
  return run('apt-get', ['--quiet', ...words], directory)
}

function run(command: string, words: readonly string[], cwd: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return new Promise((resolve, reject) => {
    execFile(command, words, { cwd, env, timeout: 300_000 }, (error) => (error === null ? resolve() : reject(error)))
  })
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
