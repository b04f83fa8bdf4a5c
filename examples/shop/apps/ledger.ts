/**
 * The ledger, a tcp service that speaks first, as databases do: greets each connection, then numbers every line that
 * it is sent.
 *
 * Environment: LISTEN_ADDRESS, PORT.
 */
import { createServer } from 'node:net'

const { LISTEN_ADDRESS = '127.0.0.1', PORT = '7000' } = process.env
let entries = 0

const server = createServer((socket) => {
  socket.write('ledger ready\n')
  let rest = ''
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) socket.write(`entry ${++entries}: ${line}\n`)
  })
  socket.on('error', () => socket.destroy())
})
server.listen(Number(PORT), LISTEN_ADDRESS, () => console.log(`ledger listens on ${LISTEN_ADDRESS}:${PORT}`))
process.on('SIGTERM', () => process.exit(0))
