/**
 * The one module of node-forge that is used, typed as it is: its own types lack the options of `fromDer`, and the
 * package's main module would load RSA, TLS and a random generator with it. Byte strings hold one byte a character.
 */
declare module 'node-forge/lib/asn1.js' {
  export interface ForgeElement {
    readonly tagClass: number
    readonly type: number
    readonly constructed: boolean
    readonly value: string | readonly ForgeElement[]
  }
  interface Options {
    strict: boolean
    parseAllBytes: boolean
    decodeBitStrings: boolean
    maxDepth: number
  }
  interface ForgeBuffer {
    getBytes(): string
  }
  const asn1: {
    create(tagClass: number, type: number, constructed: boolean, value: string | ForgeElement[]): ForgeElement
    fromDer(bytes: string, options: Options): ForgeElement
    toDer(element: ForgeElement): ForgeBuffer
    oidToDer(oid: string): ForgeBuffer
    derToOid(bytes: string): string
  }

  // biome-ignore lint/style/noDefaultExport: what a CommonJS module exports is its default
  export default asn1
}
