/** What the whole mesh is called. */
export interface MeshSettings {
  readonly trustDomain: string
  /** Of names: `mesh`. */
  readonly domain: string
}
