import type { Location } from '../../common/problem.js'

/** Splits `services.d/web.yaml:3` as an agent reports it into a location, with the host in front. */
export function placeOf(host: string, source: string): Location {
  const match = /^(.*?):(\d+)$/.exec(source)
  return { file: `${host}:${match?.[1] ?? source}`, line: Number(match?.[2] ?? 1), column: 1 }
}
