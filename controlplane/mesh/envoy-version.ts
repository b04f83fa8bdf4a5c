/**
 * Whether an Envoy has what came with a minor version; one whose version is not known has not.
 *
 * @param version as its agent reports it: `1.40.0`
 */
export function isAtLeast(
  version: string | undefined,
  wanted: { readonly major: number; readonly minor: number },
): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version ?? '') ?? []
  if (major === undefined || minor === undefined) return false
  return Number(major) > wanted.major || (Number(major) === wanted.major && Number(minor) >= wanted.minor)
}
