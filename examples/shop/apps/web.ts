/**
 * The shop's front end: answers `GET /` with what happened when it charged a customer, by calling
 * `http://payments.mesh/charge`, and `GET /healthz`.
 *
 * Environment: LISTEN_ADDRESS, PORT, MESH_DNS (see names.ts).
 */
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import { meshLookup } from './names.js'

const { LISTEN_ADDRESS = '127.0.0.1', PORT = '8080', MESH_DNS } = process.env
const lookup = meshLookup(MESH_DNS)
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

function charge(path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = get(
      `http://payments.mesh${path}`,
      { agent, timeout: 10_000, ...(lookup ? { lookup } : {}) },
      (response) => {
        readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
      },
    )
    request.on('timeout', () => request.destroy(new Error('payments did not answer within 10 s')))
    request.on('error', reject)
  })
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') return void response.end('ok\n')
  charge(request.url === '/' ? '/charge' : (request.url ?? '/charge')).then(
    ({ status, text }) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(text)
    },
    (error: Error) => {
      response.writeHead(502, { 'content-type': 'text/plain' })
      response.end(`payments cannot be reached: ${error.message}\n`)
    },
  )
})
server.listen(Number(PORT), LISTEN_ADDRESS, () => console.log(`web listens on ${LISTEN_ADDRESS}:${PORT}`))
process.on('SIGTERM', () => process.exit(0))
