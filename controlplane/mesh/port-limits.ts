import type { Instance } from '../catalog/catalog.js'

/** So many named ports of one service are given to callers. */
export const MOST_PORTS = 100

/** On so many numbers a port is found by name. */
export const MOST_NUMBERS = 16

/**
 * Chooses what counts of what instances say about their service. Every other host gets listeners and clusters for it, so
 * without a bound one host could say so much that all Envoys of the mesh suffer. What most hosts say goes first, so
 * that a single one never displaces what the others have in common.
 *
 * @param said pairs of an instance and what it says
 * @returns at most `most` values, in the order in which they were said first
 */
export function mostSaid<T>(said: readonly (readonly [Instance, T])[], most: number): readonly T[] {
  const hosts = new Map<T, Set<string>>()
  for (const [{ host, id }, value] of said) hosts.set(value, (hosts.get(value) ?? new Set()).add(host ?? id))
  if (hosts.size <= most) return [...hosts.keys()]
  const ranked = [...hosts].sort(([, a], [, b]) => b.size - a.size).map(([value]) => value)
  const chosen = new Set(ranked.slice(0, most))
  return [...hosts.keys()].filter((value) => chosen.has(value))
}
