import { type Check, expect } from '../check.js'
import { askShop } from '../client.js'

/** One request crosses three hosts: http from web to payments, tcp from payments to the ledger. */
export const requestsFlow: Check = {
  name: 'http and tcp cross hosts: web calls payments, payments books in the ledger',
  async run({ mesh }) {
    const answer = await askShop(mesh.host('web-1'))
    expect(answer.status === 200, `status ${answer.status}: ${answer.text}`)
    expect(/^entry \d+: charge/.test(answer.ledger ?? ''), `the ledger said ${String(answer.ledger)}`)
    return `payments ${answer.version} on ${answer.host}; ledger: ${answer.ledger}`
  },
}

/** The callee is told the caller's identity as the certificate proves it. */
export const calleeSeesCaller: Check = {
  name: "the callee sees the caller's SPIFFE identity",
  async run({ mesh }) {
    const { callerSeen } = await askShop(mesh.host('web-1'))
    expect(callerSeen === 'spiffe://shop.example/svc/web', `payments saw ${String(callerSeen)}`)
    return callerSeen
  },
}
