import { EnvoyNotFound, findEnvoy } from '../../agent/envoy/find.js'
import { fetchEnvoy } from './fetch-envoy.js'
import type { Progress } from './mesh.js'

/** The Envoy that the demo fetches where it finds none. */
const DEMO_ENVOY = '1.40.0'

/**
 * Finds an Envoy as an agent does, and fetches one where there is none.
 *
 * @returns the path of the binary
 * @throws EnvoyFetchFailed, EnvoyTooOld, whose messages say what to do
 */
export async function demoEnvoy(progress: Progress, signal: AbortSignal): Promise<string> {
  const environment = process.env
  try {
    const { path, origin } = await findEnvoy({ environment }, signal)
    progress(`using ${path} (${origin})`)
    return path
  } catch (error) {
    if (!(error instanceof EnvoyNotFound)) throw error
    const path = await fetchEnvoy({ version: DEMO_ENVOY, environment, progress }, signal)
    progress(`using ${path} (no other Envoy on this machine)`)
    return path
  }
}
