import type { Readable } from 'node:stream'

/** How much of the end of the output is kept, characters. */
const KEPT = 300

/**
 * Reads all that a program prints, so that it never waits for a reader, and keeps the end, where programs say what went
 * wrong. The returned function tells it as one line: control characters are escaped, so that neither a log nor a
 * terminal obeys them.
 */
export function outputTail(streams: readonly Readable[]): () => string {
  let tail = ''
  let cut = false
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      const all = tail + text
      cut ||= all.length > KEPT
      tail = all.slice(-KEPT)
    })
    // The end of a pipe that is cut here is no event.
    stream.on('error', () => stream.destroy())
  }
  return () => `${cut ? '…' : ''}${escapeControls(tail.trim())}`
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escapeControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return SHORT[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
}
