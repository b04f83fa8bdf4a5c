import type { TestContext } from 'node:test'
import { EnvoyNotFound, EnvoyUnusable, type FoundEnvoy, findEnvoy } from '../../agent/envoy/find.js'
import { formatEnvoyVersion } from '../../agent/envoy/version.js'
import { EnvoyFetchFailed, fetchEnvoy } from '../../cli/demo/fetch-envoy.js'

/** The Envoys that the end-to-end tests run with: the newest and the oldest that is supported. */
export const TEST_ENVOYS = ['1.40.0', '1.37.0'] as const

/**
 * Finds a real Envoy of exactly this version: the one of `MESH_ENVOY_PATH` if it fits, else the one in the cache, which
 * is fetched when it is not there yet.
 *
 * @throws {EnvoyFetchFailed} when it cannot be had
 */
export async function findTestEnvoy(
  version: string = TEST_ENVOYS[0],
  environment: Readonly<Record<string, string | undefined>> = process.env,
  signal: AbortSignal = AbortSignal.timeout(300_000),
): Promise<string> {
  const { MESH_ENVOY_PATH: configured } = environment
  const own = configured === undefined ? undefined : await tryOwn(configured, environment, signal)
  if (own !== undefined && formatEnvoyVersion(own.version) === version) return own.path
  return fetchEnvoy({ version, environment, progress: (line) => process.stderr.write(`${line}\n`) }, signal)
}

/**
 * Finds an Envoy for a test. Where none can be had the test is skipped with the reason, loudly, and undefined returned,
 * so the test returns too; under `CI=true` it fails.
 */
export async function envoyOrSkip(
  t: Pick<TestContext, 'skip'>,
  version: string = TEST_ENVOYS[0],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  try {
    return await findTestEnvoy(version, environment)
  } catch (error) {
    const { CI } = environment
    if (CI === 'true' || !(error instanceof EnvoyFetchFailed)) throw error
    process.stderr.write(`SKIPPED, no Envoy ${version}: ${error.message}\n`)
    t.skip(error.message)
    return undefined
  }
}

/** A MESH_ENVOY_PATH that does not work is passed over with a line, as the cache may still help. */
async function tryOwn(
  configured: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<FoundEnvoy | undefined> {
  try {
    return await findEnvoy({ configured, environment, anyVersion: true }, signal)
  } catch (error) {
    if (!(error instanceof EnvoyNotFound || error instanceof EnvoyUnusable)) throw error
    process.stderr.write(`MESH_ENVOY_PATH is not used: ${error.message}\n`)
    return undefined
  }
}
