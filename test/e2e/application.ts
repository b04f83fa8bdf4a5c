import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** An application of the lab, in the process of the test. */
export interface Application {
  /** Stops listening and cuts all connections, as a process does that is killed. */
  readonly end: () => Promise<void>
}

/** Starts an HTTP application. */
export function startHttp(address: string, port: number, onRequest: RequestListener): Promise<Application> {
  return listen(createHttpServer(onRequest), address, port)
}

/** Starts an application that is given every connection. */
export function startTcp(address: string, port: number, onConnection: (socket: Socket) => void): Promise<Application> {
  return listen(createServer(onConnection), address, port)
}

/** Answers with what the application saw of the request. */
export function answerWithRequest(request: IncomingMessage, more: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({ url: request.url, headers: request.headers, ...more })
}

async function listen(server: Server, address: string, port: number): Promise<Application> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(port, address)
  await once(server, 'listening')
  if ((server.address() as AddressInfo).port !== port) throw new Error(`not on port ${port}`)
  return {
    async end() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
