/**
 * State as JSON, with a line for each item of its lists. An item that is the same object as before has its bytes from
 * then: of thousands of hosts few have changed from one writing to the next.
 */
export class StateText {
  readonly #items = new WeakMap<object, Uint8Array>()

  /** @param state a list, or an object of lists and other values; what is in it is never changed */
  encode(state: unknown): Uint8Array {
    const parts: Uint8Array[] = []
    if (Array.isArray(state)) this.#list(state, parts)
    else if (typeof state === 'object' && state !== null) this.#fields(state, parts)
    else parts.push(Buffer.from(JSON.stringify(state)))
    parts.push(END)
    return Buffer.concat(parts)
  }

  #fields(state: object, parts: Uint8Array[]): void {
    let mark = '{'
    for (const [name, value] of Object.entries(state)) {
      if (value === undefined) continue
      parts.push(Buffer.from(`${mark}\n${JSON.stringify(name)}: `))
      if (Array.isArray(value)) this.#list(value, parts)
      else parts.push(this.#item(value))
      mark = ','
    }
    parts.push(Buffer.from(mark === '{' ? '{}' : '\n}'))
  }

  #list(items: readonly unknown[], parts: Uint8Array[]): void {
    parts.push(OPEN)
    for (const [index, item] of items.entries()) {
      if (index > 0) parts.push(NEXT)
      parts.push(this.#item(item))
    }
    parts.push(CLOSE)
  }

  #item(item: unknown): Uint8Array {
    if (typeof item !== 'object' || item === null) return Buffer.from(JSON.stringify(item))
    const known = this.#items.get(item)
    if (known !== undefined) return known
    const bytes = Buffer.from(JSON.stringify(item))
    this.#items.set(item, bytes)
    return bytes
  }
}

const OPEN = Buffer.from('[\n')
const NEXT = Buffer.from(',\n')
const CLOSE = Buffer.from('\n]')
const END = Buffer.from('\n')
