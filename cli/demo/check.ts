import type { DemoMesh } from './mesh.js'

/** What a check works on. */
export interface CheckContext {
  readonly mesh: DemoMesh
}

/** One promise of the mesh. */
export interface Check {
  /** The promise as a sentence. */
  readonly name: string
  /** Tries it. @returns what was seen, for people @throws where the promise does not hold */
  readonly run: (context: CheckContext) => Promise<string | undefined>
}

/** Throws an error with this text where a condition does not hold. */
export function expect(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message)
}
