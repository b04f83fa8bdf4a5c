import { isIP } from 'node:net'
import { z } from 'zod'
import { parseSocketAddress, type SocketAddress } from '../socket-address.js'

/** `address:port` in a document, as its two parts; the address may be a name. */
export const addressAndPort = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? onlyPort(issue.input) : undefined) })
  .transform((text, context) => readAddress(text, context))
  .meta({ title: 'address:port', pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]\\s]+):\\d{1,5}$' })

/** The same where something listens: the address is one, never a name. */
export const ipAndPort = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? onlyPort(issue.input) : undefined) })
  .transform((text, context) => {
    const parsed = readAddress(text, context)
    if (parsed === z.NEVER || isIP(parsed.address) !== 0) return parsed
    const message = `${JSON.stringify(parsed.address)} is not an IP address`
    const params = { hint: `write for example "127.0.0.1:${parsed.port}"` }
    context.addIssue({ code: 'custom', message, params })
    return z.NEVER
  })
  .meta({ title: 'address:port', pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[\\d.]+):\\d{1,5}$' })

function onlyPort(port: number): string {
  return `is a port without an address: write for example "127.0.0.1:${port}"`
}

function readAddress(text: string, context: z.core.$RefinementCtx): SocketAddress {
  if (text.startsWith('unix:')) {
    context.addIssue({ code: 'custom', message: 'Unix sockets are not supported yet' })
    return z.NEVER
  }
  const parsed = parseSocketAddress(text)
  if (parsed !== undefined) return parsed
  const [, port] = /^:?(\d{1,5}):?$/.exec(text) ?? []
  const hint =
    port === undefined ? 'write for example "10.0.0.2:15012" or "[fd00::2]:15012"' : `write "127.0.0.1:${port}"`
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(text)} is not an address with a port`,
    params: { hint },
  })
  return z.NEVER
}
