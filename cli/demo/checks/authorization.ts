import { promises as dns } from 'node:dns'
import { type Check, expect } from '../check.js'
import { httpGet } from '../client.js'

/** The ledger may not call payments: no rule names it. */
export const unauthorisedCallIsRefused: Check = {
  name: 'an unauthorised call gets 403',
  async run({ mesh }) {
    const { address } = mesh.host('ledger-1')
    const resolver = new dns.Resolver({ timeout: 1000, tries: 3 })
    resolver.setServers([`${address}:15053`])
    const [host = ''] = await resolver.resolve4('payments.mesh')
    const { port } = mesh.host('pay-1')
    const { status, text } = await httpGet({ host, port, path: '/charge', hostHeader: 'payments.mesh' })
    expect(status === 403, `the ledger's host got status ${status}: ${text}`)
    return text.trim()
  },
}
