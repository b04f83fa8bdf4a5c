/** Something that people write wrong, and how they find out. */
export interface Mistake {
  readonly name: string
  /** The name of its JSON Schema. */
  readonly file: 'document' | 'service-file' | 'agent' | 'controlplane'
  readonly text: string
  /** Line and column of what is told first. */
  readonly place: string
  /** Words of the hint, or of the message where that says it all. */
  readonly says: string
}

/** Name, text, place and what is said of mistakes in one kind of file. */
export function mistakesIn(
  file: Mistake['file'],
  rows: readonly (readonly [name: string, text: string, place: string, says: string])[],
): readonly Mistake[] {
  return rows.map(([name, text, place, says]) => ({ name, file, text, place, says }))
}
