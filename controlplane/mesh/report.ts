import { type DocumentPath, formatPath, type Located } from '../../common/config/located.js'
import type { Location, Problem } from '../../common/problem.js'

/** Where builders put what they find wrong. */
export type Problems = Problem[]

/** The part of a problem that its finder chooses. */
export interface Finding {
  readonly code: Problem['code']
  readonly message: string
  readonly hint?: string
  /** `error` unless given. */
  readonly severity?: Problem['severity']
}

/** A problem at a place in a document. */
export function problemAt(document: Pick<Located<unknown>, 'locate'>, path: DocumentPath, finding: Finding): Problem {
  const { code, message, hint, severity = 'error' } = finding
  return {
    ...document.locate(path),
    code,
    severity,
    path: formatPath(path),
    message,
    ...(hint === undefined ? {} : { hint }),
  }
}

/** A problem of an instance or a host, which is reported at the place that its agent or file names. */
export function problemOf(location: Location, finding: Finding): Problem {
  const { code, message, hint, severity = 'error' } = finding
  return { ...location, path: '', code, severity, message, ...(hint === undefined ? {} : { hint }) }
}

/** Reads a place as agents name it, `web-1:services.d/web.yaml:4`. */
export function parsePlace(place: string): Location {
  const [, file = place, line = '1'] = /^(.*?):(\d+)$/.exec(place) ?? []
  return { file, line: Number(line), column: 1 }
}
