import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Check, expect } from '../check.js'
import { foreignCertificate } from '../foreign-ca.js'

const INBOUND_PORT = 15006

/** Without TLS nothing is answered. */
export const plainTextIsRefused: Check = {
  name: 'plain text to an inbound port is refused',
  async run({ mesh }) {
    const { address } = mesh.host('pay-1')
    const received = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(INBOUND_PORT, address, () =>
        socket.write('GET /charge HTTP/1.1\r\nhost: payments.mesh\r\n\r\n'),
      )
      socket.setTimeout(5000, () => socket.destroy())
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
      })
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
    })
    expect(!received.includes('HTTP/'), `the port answered: ${received.slice(0, 80)}`)
    return 'connection closed without an answer'
  },
}

/** A certificate that says the right name, from a CA that is not the mesh's. */
export const certificateOfAnotherCaIsRefused: Check = {
  name: 'a certificate of another CA is refused',
  async run({ mesh }) {
    const { address } = mesh.host('pay-1')
    const { keyPem, chainPem } = await foreignCertificate('shop.example', 'web')
    const outcome = await new Promise<string>((resolve) => {
      const socket = connectTls({
        host: address,
        port: INBOUND_PORT,
        servername: 'main.payments.mesh',
        ALPNProtocols: ['h2'],
        key: keyPem,
        cert: chainPem,
        rejectUnauthorized: false,
      })
      // With TLS 1.3 the client learns of the refusal only after its own handshake is done: by reading.
      socket.setTimeout(5000, () => resolve('nothing happened for 5 s'))
      socket.on('data', () => resolve('the port answered'))
      socket.on('error', (error: Error & { code?: string }) => resolve(`refused: ${error.code ?? error.message}`))
      socket.on('close', () => resolve('refused: closed'))
    })
    expect(outcome.startsWith('refused'), outcome)
    return outcome
  },
}
