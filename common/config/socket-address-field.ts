import { z } from 'zod'
import { parseSocketAddress } from '../socket-address.js'

/** `address:port` in a document, as its two parts. */
export const addressAndPort = z
  .string()
  .transform((text, context) => {
    if (text.startsWith('unix:')) {
      context.addIssue({ code: 'custom', message: 'Unix sockets are not supported yet' })
      return z.NEVER
    }
    const parsed = parseSocketAddress(text)
    if (parsed !== undefined) return parsed
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(text)} is not an address with a port`,
      params: { hint: 'write for example "10.0.0.2:15012" or "[fd00::2]:15012"' },
    })
    return z.NEVER
  })
  .meta({ title: 'address:port', pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]\\s]+):\\d{1,5}$' })
