/**
 * Charges a customer: books an entry in the ledger (`ledger.mesh:7000`, tcp) and answers in JSON who it is, who called
 * (as the mesh proved it) and what the ledger said.
 *
 * Environment: LISTEN_ADDRESS, PORT, VERSION, HOST_NAME, MESH_DNS (see names.ts).
 */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { meshLookup } from './names.js'

const { LISTEN_ADDRESS = '127.0.0.1', PORT = '8080', VERSION = 'v1', HOST_NAME = 'unknown', MESH_DNS } = process.env
const lookup = meshLookup(MESH_DNS)

/** Sends one line to the ledger and resolves with its answer: the second line, after the greeting. */
function book(entry: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'ledger.mesh', port: 7000, ...(lookup ? { lookup } : {}) })
    let text = ''
    socket.setTimeout(5000, () => socket.destroy(new Error('the ledger did not answer within 5 s')))
    socket.on('connect', () => socket.write(`${entry}\n`))
    socket.on('data', (chunk) => {
      text += chunk.toString()
      const lines = text.split('\n')
      if (lines.length < 3) return
      socket.end()
      resolve(lines[1] ?? '')
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the ledger closed the connection')))
  })
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') return void response.end('ok\n')
  const callerSeen = request.headers['x-mesh-client'] ?? 'nobody'
  const answer = (status: number, ledger: string) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(
      `${JSON.stringify({ service: 'payments', version: VERSION, host: HOST_NAME, path: request.url, callerSeen, ledger })}\n`,
    )
  }
  book(`charge ${request.url}`).then(
    (line) => answer(200, line),
    (error: Error) => answer(502, error.message),
  )
})
server.listen(Number(PORT), LISTEN_ADDRESS, () =>
  console.log(`payments ${VERSION} listens on ${LISTEN_ADDRESS}:${PORT}`),
)
process.on('SIGTERM', () => process.exit(0))
