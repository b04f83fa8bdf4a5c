/** serve.mjs ADDRESS PORT TEXT: answers every HTTP request with TEXT; on port 7000 it greets every connection with it. */
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'

const [address, port, text] = process.argv.slice(2)
const greet = (socket) => socket.on('error', () => socket.destroy()).end(`${text}\n`)
const server = port === '7000' ? createTcpServer(greet) : createServer((_, response) => response.end(text))
server.listen(Number(port), address, () => console.log('ready'))
