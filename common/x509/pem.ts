/** What a PEM block holds, as its first line tells. */
export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST'

/** Text that is not the PEM that was expected. */
export class PemError extends Error {
  override readonly name = 'PemError'
}

/** One PEM block of lines of 64 characters, with a line break at its end, so that blocks can be joined. */
export function encodePem(label: PemLabel, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * The DER of each block in a text that holds blocks of one label and nothing else, in their order: a chain, a bundle.
 *
 * @throws PemError for other labels, text between blocks, no block at all, or base64 that is not canonical
 */
export function decodePem(label: PemLabel, text: string): readonly Buffer[] {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const [before, ...blocks] = text.replaceAll('\r\n', '\n').split(begin)
  if (before?.trim() !== '' || blocks.length === 0) throw new PemError(`not a text that starts with ${begin}`)
  return blocks.map((block) => {
    const [body = '', after, ...more] = block.split(end)
    if (after?.trim() !== '' || more.length > 0) throw new PemError(`not a text of which each block ends with ${end}`)
    return decodeBase64(body)
  })
}

function decodeBase64(body: string): Buffer {
  const lines = /^\n((?:[A-Za-z0-9+/=]+\n)+)$/.exec(body)?.[1]
  const text = lines?.replaceAll('\n', '') ?? ''
  const der = Buffer.from(text, 'base64')
  if (text === '' || der.toString('base64') !== text) throw new PemError('malformed base64 in a PEM block')
  return der
}
