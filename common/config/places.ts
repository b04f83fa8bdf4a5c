import type { Location } from '../problem.js'
import type { DocumentPath } from './located.js'

/** Where a value stands in a text, with the places of what is in it. */
export interface Place {
  /** Offset into the text; of a map's entry, that of its key. */
  readonly at: number
  /** By key of a map or index of a list; absent for scalars. */
  readonly items?: ReadonlyMap<string | number, Place>
  /** How a number, boolean or null was spelt. */
  readonly source?: string
}

/** The place at a path, or the nearest one above it that exists. */
export function placeAt(root: Place, path: DocumentPath): Place {
  let place = root
  for (const part of path) {
    const next = place.items?.get(part)
    if (next === undefined) return place
    place = next
  }
  return place
}

/** Makes the function that turns an offset into a location, by binary search over the starts of lines. */
export function lineFinder(file: string, text: string): (offset: number) => Location {
  const starts = lineStarts(text)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
