import type { Log, LogFields } from '../../common/log.js'

/** The trust domain of every mesh in these tests. */
export const TRUST_DOMAIN = 'mesh.example'

/** One line of a log. */
export interface Line {
  readonly level: string
  readonly message: string
  readonly fields: LogFields
}

/** A log that keeps its lines. */
export function watchedLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = []
  const make = (own: LogFields): Log => {
    const write =
      (level: string) =>
      (message: string, fields: LogFields = {}) =>
        void lines.push({ level, message, fields: { ...own, ...fields } })
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => make({ ...own, ...fields }),
    }
  }
  return { log: make({}), lines }
}
