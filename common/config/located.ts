import type { Location } from '../problem.js'

/** A path into a document: keys of maps and indexes of lists, from the top. */
export type DocumentPath = readonly (string | number)[]

/** A value that was read from a YAML document and proven by its schema, with the way back to the text. */
export interface Located<T> {
  readonly value: T
  /** Where the document starts. */
  readonly location: Location
  /** Where the node at `path` stands, or the nearest one above it that exists. A map's entry is located at its key. */
  readonly locate: (path: DocumentPath) => Location
}

/** Formats a path for people: `rules[0].match.path`. */
export function formatPath(path: DocumentPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

/** The inverse of {@link formatPath}, for paths whose keys have no dots. */
export function parsePath(text: string): DocumentPath {
  const parts = text.match(/[^.[\]]+/g) ?? []
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}
