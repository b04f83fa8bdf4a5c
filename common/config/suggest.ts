/**
 * The candidate that a person most likely meant, or undefined where none is near. Case, `-` and `_` do not count; two
 * swapped letters are one mistake.
 */
export function suggest(written: string, candidates: Iterable<string>): string | undefined {
  if (written.length > 40) return undefined
  const plain = fold(written)
  let best: string | undefined
  let least = 1 + allowedMistakes(plain)
  for (const candidate of candidates) {
    const distance = editDistance(plain, fold(candidate))
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  return best
}

function allowedMistakes(name: string): number {
  if (name.length < 3) return 0
  return name.length < 5 ? 1 : 2
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
