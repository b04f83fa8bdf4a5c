import { promises as dns } from 'node:dns'
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { formatSocketAddress } from '../../common/socket-address.js'
import type { LabHost } from './hosts.js'

/** An answer as the calling application gets it. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A place where an application finds a service. */
export interface Target {
  readonly address: string
  readonly port: number
  readonly host?: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })

/** Ends the connections that are kept open. */
export function closeConnections(): void {
  agent.destroy()
}

/** A resolver that asks the DNS filter of a host. */
export function resolverOf(host: LabHost): dns.Resolver {
  const resolver = new dns.Resolver({ timeout: 1000, tries: 3 })
  resolver.setServers([formatSocketAddress({ address: host.address, port: 15053 })])
  return resolver
}

/** Where an application of that host finds a service by its name. @throws when the name does not exist */
export async function targetOn(host: LabHost, service: string, port: number): Promise<Target> {
  const name = `${service}.mesh`
  const [address = ''] = await resolverOf(host).resolve4(name)
  return { address, port, host: name }
}

/** Sends one GET, its path unchanged. @throws where no answer came at all within 15 s */
export function get(target: Target, path = '/', headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const { address, port, host = `${address}:${port}` } = target
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: address, port, path, headers: { host, ...headers }, agent, timeout: 15_000 },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
        response.on('error', reject)
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 15 s')))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Sends one GET. @throws where the answer is not 200, or none comes */
export async function getOk(target: Target): Promise<void> {
  const { status, text } = await get(target)
  if (status !== 200) throw new Error(`status ${status}: ${text.slice(0, 120)}`)
}

/** Connects and reads until the server has said this. @throws where the connection ends before, or nothing comes within 15 s */
export function readGreeting({ address, port }: Target, greeting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, address)
    socket.setTimeout(15_000, () => socket.destroy(new Error('no greeting within 15 s')))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.length < greeting.length) return
      socket.destroy()
      if (text === greeting) resolve()
      else reject(new Error(`greeted with ${JSON.stringify(text.slice(0, 120))}`))
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${text.length} bytes of the greeting`)))
  })
}
