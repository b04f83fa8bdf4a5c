import { isIP } from 'node:net'
import { z } from 'zod'
import { LONGEST_PATH } from '../bind.js'
import { parseSocketAddress, type SocketAddress } from '../socket-address.js'

/** `address:port` in a document, as its two parts; the address may be a name. */
export const addressAndPort = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? onlyPort(issue.input) : undefined) })
  .transform((text, context) => readAddress(text, context))
  .meta({ title: 'address:port', pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]\\s]+):\\d{1,5}$' })

/** The same where something listens: the address is one, never a name. */
export const ipAndPort = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? onlyPort(issue.input) : undefined) })
  .transform((text, context) => readIp(text, context))
  .meta({ title: 'address:port', pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[\\d.]+):\\d{1,5}$' })

/** The same, or the path of a Unix socket. */
export const ipAndPortOrSocket = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? onlyPort(issue.input) : undefined) })
  .transform((text, context) => (text.startsWith('unix:') ? readPath(text, context) : readIp(text, context)))
  .meta({
    title: 'address:port or unix:/path',
    pattern: '^((\\[[0-9A-Fa-f:.]+\\]|[\\d.]+):\\d{1,5}|unix:/.+)$',
  })

function onlyPort(port: number): string {
  return `is a port without an address: write for example "127.0.0.1:${port}"`
}

function readPath(text: string, context: z.core.$RefinementCtx): { readonly path: string } {
  const path = text.slice('unix:'.length)
  const wrong = (message: string, hint: string) => {
    context.addIssue({ code: 'custom', message, params: { hint } })
    return z.NEVER
  }
  const bytes = Buffer.byteLength(path)
  if (bytes > LONGEST_PATH)
    return wrong(`the path has ${bytes} bytes, and a Unix socket may have ${LONGEST_PATH}`, 'choose a shorter name')
  if (!path.startsWith('/')) return wrong('the path of a Unix socket starts with "/"', `write unix:/${path}`)
  if (path.includes('\0')) return wrong('the path contains a zero byte', 'leave it out')
  return { path }
}

function readIp(text: string, context: z.core.$RefinementCtx): SocketAddress {
  const parsed = readAddress(text, context)
  if (parsed === z.NEVER || isIP(parsed.address) !== 0) return parsed
  const message = `${JSON.stringify(parsed.address)} is not an IP address`
  const params = { hint: `write for example "127.0.0.1:${parsed.port}"` }
  context.addIssue({ code: 'custom', message, params })
  return z.NEVER
}

function readAddress(text: string, context: z.core.$RefinementCtx): SocketAddress {
  if (text.startsWith('unix:')) {
    context.addIssue({ code: 'custom', message: 'a Unix socket cannot be used here' })
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
