/** The largest program that Envoy takes: what the agent's bootstrap sets as `re2.max_program_size.error_level`. */
export const MOST_RE2_INSTRUCTIONS = 2000

/**
 * About how many instructions RE2 makes of a program whose characters are these. RE2 matches bytes of UTF-8, so a class
 * such as `\p{L}` is more than a thousand instructions, and `.` is eight; the port of RE2 that is used here has one for
 * each.
 *
 * @param instructions for each instruction the pairs of first and last code points that it matches; empty for others
 */
export function estimateRe2Size(instructions: readonly (readonly number[])[]): number {
  const sizes = new Map<string, number>()
  return instructions.reduce((sum, ranges) => {
    const key = ranges.join()
    const size = sizes.get(key) ?? classSize(ranges)
    sizes.set(key, size)
    return sum + size
  }, 2)
}

function classSize(ranges: readonly number[]): number {
  if (ranges.length < 2) return 1
  const nodes = new Set<string>()
  for (let index = 0; index + 1 < ranges.length; index += 2) {
    const [low = 0, high = 0] = [ranges[index], ranges[index + 1]]
    for (const sequence of byteSequences(low, high)) {
      // First bytes are shared by all that begin alike, and what follows them by all that end alike.
      nodes.add(`first ${sequence[0]}`)
      for (let at = 1; at < sequence.length; at++) nodes.add(sequence.slice(at).join())
    }
  }
  return nodes.size
}

const LAST = 0x10ffff
/** RE2 does not take apart what reaches from the first character of two bytes to the last of all. */
const BEYOND_ASCII = [
  ['c2-df', '80-bf'],
  ['e0-ef', '80-bf', '80-bf'],
  ['f0-f4', '80-bf', '80-bf', '80-bf'],
]

/** The ranges of bytes, first to last, by which UTF-8 writes the code points of a range. */
function byteSequences(low: number, high: number): readonly (readonly string[])[] {
  if (low > high) return []
  if (high === LAST && low <= 0x80) return [...byteSequences(low, 0x7f), ...BEYOND_ASCII]
  for (const end of [0x7f, 0x7ff, 0xffff]) {
    if (low <= end && high > end) return [...byteSequences(low, end), ...byteSequences(end + 1, high)]
  }
  if (high <= 0x7f) return [[formatRange(low, high)]]
  for (const bits of [6, 12, 18]) {
    const mask = 2 ** bits - 1
    if (low - (low & mask) === high - (high & mask)) continue
    if ((low & mask) !== 0) return [...byteSequences(low, low | mask), ...byteSequences((low | mask) + 1, high)]
    if ((high & mask) === mask) continue
    const start = high - (high & mask)
    return [...byteSequences(low, start - 1), ...byteSequences(start, high)]
  }
  const [first, last] = [utf8(low), utf8(high)]
  return [first.map((byte, at) => formatRange(byte, last[at] ?? byte))]
}

function utf8(codePoint: number): readonly number[] {
  return [...Buffer.from(String.fromCodePoint(codePoint))]
}

function formatRange(low: number, high: number): string {
  return `${low.toString(16)}-${high.toString(16)}`
}
