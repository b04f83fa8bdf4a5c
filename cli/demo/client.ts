import { Agent, request } from 'node:http'
import type { DemoHost } from './layout.js'

/** What the shop answered to one request, as `examples/shop/apps` write it. */
export interface ShopAnswer {
  readonly status: number
  readonly text: string
  readonly host?: string
  readonly version?: string
  /** The SPIFFE ID of the caller that payments saw. */
  readonly callerSeen?: string
  readonly ledger?: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })

/** Ends the connections that are kept open. */
export function closeConnections(): void {
  agent.destroy()
}

/**
 * Asks the shop's front end, as a customer would.
 *
 * @throws where no answer came at all; an answer that is an error is returned
 */
export async function askShop(web: DemoHost, path = '/'): Promise<ShopAnswer> {
  const { status, text } = await httpGet({ host: web.address, port: web.port, path })
  return { status, text, ...parseAnswer(text) }
}

/** Where to send a request, with a Host header of its own where the address is no name. */
export interface HttpTarget {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly hostHeader?: string
}

/** Sends one GET. @throws where no answer came at all within 15 s */
export function httpGet({ host, port, path, hostHeader }: HttpTarget): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = hostHeader === undefined ? {} : { host: hostHeader }
    const outgoing = request({ host, port, path, headers, agent, timeout: 15_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 15 s')))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

function parseAnswer(text: string): Partial<ShopAnswer> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
