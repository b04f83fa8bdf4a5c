import { NAMES, VERSIONS } from './expected.js'
import { namesRemoved, type ResponseReader, readResources, resourcesEnd } from './response.js'

/** The resources of one response, as numbers: names, with their versions at the same places; 0: removed. */
export interface Parsed {
  readonly names: Int32Array
  readonly versions: Int32Array
}

/** Responses that were parsed, by length: clients that hold everything get the same megabytes one after the other. */
const known = new Map<number, { readonly bytes: Buffer; readonly parsed: Parsed }>()

/** Smaller ones are parsed in less time than they are looked up. */
const WORTHWHILE = 4_096

/** Most responses that are kept. */
const KEPT = 64

/** Parses a response, or finds it among those that were parsed. @param first told of each resource that is parsed */
export function parse(bytes: Buffer, first: ResponseReader['resource']): Parsed {
  if (bytes.length < WORTHWHILE) return parseAnew(bytes, first)
  const part = bytes.subarray(0, resourcesEnd(bytes))
  if (namesRemoved(bytes, part.length)) return parseAnew(bytes, first)
  const found = known.get(part.length)
  if (found?.bytes.equals(part) === true) return found.parsed
  const parsed = parseAnew(bytes, first)
  const [oldest] = known.keys()
  if (known.size >= KEPT && oldest !== undefined) known.delete(oldest)
  known.set(part.length, { bytes: Buffer.from(part), parsed })
  return parsed
}

function parseAnew(bytes: Buffer, first: ResponseReader['resource']): Parsed {
  const names: number[] = []
  const versions: number[] = []
  readResources(bytes, {
    resource(name, version, body) {
      first(name, version, body)
      names.push(NAMES.of(name))
      versions.push(VERSIONS.of(version))
    },
    removed(name) {
      names.push(NAMES.of(name))
      versions.push(0)
    },
  })
  return { names: Int32Array.from(names), versions: Int32Array.from(versions) }
}
