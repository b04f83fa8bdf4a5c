import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { silentLog } from '../../common/log.js'
import { serveStatusPort } from '../../controlplane/admin/server.js'
import { atEnd } from '../lab/at-end.js'
import { eventually } from './control-plane.js'

const READ = { method: 'GET', path: '/v1/status', handle: () => ({ ok: true }) } as const
const CHANGE = { method: 'POST', path: '/v1/tokens', handle: () => ({ made: true }) } as const

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The status of the answer to somebody who calls the port by this name. */
async function asked(port: number, host: string, { method, path } = READ as { method: string; path: string }) {
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers: { host } }).end()
  const [response] = await once(outgoing, 'response')
  response.resume()
  return response.statusCode as number
}

test('the status port answers who calls it by an address, only reads, and is no name that a web page could take', async (t) => {
  const port = await freePort()
  const end = new AbortController()
  const served = serveStatusPort({ address: '0.0.0.0', port }, [READ, CHANGE], silentLog)(end.signal)
  atEnd(t, async () => {
    end.abort()
    await served
  })
  await eventually(() => asked(port, `127.0.0.1:${port}`))
  for (const host of [`127.0.0.1:${port}`, `10.0.0.5:${port}`, `[::1]:${port}`, 'localhost', `localhost:${port}`]) {
    assert.equal(await asked(port, host), 200, host)
  }
  for (const host of [`attacker.example:${port}`, 'attacker.example', `127.0.0.1.example:${port}`]) {
    assert.equal(await asked(port, host), 403, host)
  }
  assert.equal(await asked(port, `127.0.0.1:${port}`, CHANGE), 404)
})
