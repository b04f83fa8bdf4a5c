/** A released version of Envoy; a development build counts as the release that it leads to. */
export interface EnvoyVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** The oldest and the newest minor version of Envoy that every test is run with, both included. */
export const SUPPORTED_ENVOY = { oldest: { major: 1, minor: 37 }, newest: { major: 1, minor: 40 } } as const

/** How a version stands to the tested range: an `older` Envoy lacks what we emit, a `newer` one is merely untried. */
export type Support = 'older' | 'supported' | 'newer'

/**
 * Reads what `envoy --version` prints, `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`; undefined where it is
 * something else.
 */
export function parseEnvoyVersion(output: string): EnvoyVersion | undefined {
  const match = /\bversion:\s*[0-9a-f]*\/(\d+)\.(\d+)\.(\d+)(?:-[\w.]+)?\//.exec(output)
  if (match === null) return undefined
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) }
}

/** Formats a version as people write it, `1.40.0`. */
export function formatEnvoyVersion({ major, minor, patch }: EnvoyVersion): string {
  return `${major}.${minor}.${patch}`
}

/** Compares a version with {@link SUPPORTED_ENVOY}; patch releases do not matter. */
export function supportOf(version: EnvoyVersion): Support {
  if (compareMinor(version, SUPPORTED_ENVOY.oldest) < 0) return 'older'
  return compareMinor(version, SUPPORTED_ENVOY.newest) > 0 ? 'newer' : 'supported'
}

/** The supported range for messages: `1.37 to 1.40`. */
export function formatSupportedRange(): string {
  const { oldest, newest } = SUPPORTED_ENVOY
  return `${oldest.major}.${oldest.minor} to ${newest.major}.${newest.minor}`
}

type Minor = Pick<EnvoyVersion, 'major' | 'minor'>

function compareMinor(a: Minor, b: Minor): number {
  return a.major - b.major || a.minor - b.minor
}
