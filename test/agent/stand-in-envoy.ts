/**
 * A stand-in for Envoy: takes Envoy's arguments, serves the part of its admin interface that the agent uses, and
 * behaves as its bootstrap says: `ready`, `never-ready`, `crash` (at once), `slow-drain` (busy for three looks), `busy`
 * (for ever), `stubborn` (SIGTERM does nothing).
 */
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'

const path = process.argv[process.argv.indexOf('-c') + 1] ?? ''
const bootstrap = JSON.parse(readFileSync(path, 'utf8'))
const socket: string = bootstrap.admin.address.pipe.path
const behaviour: string = bootstrap.behaviour
const STARTED = { name: 'listener_manager.workers_started', value: 1 }
let looks = 0

if (behaviour === 'crash') {
  process.stderr.write(
    "[2026-01-01 00:00:00.000][7][critical][main] [source/server.cc:1] cannot bind '0.0.0.0:15090'\n",
  )
  process.exit(1)
}
process.on('SIGTERM', () => {
  if (behaviour !== 'stubborn') process.exit(0)
})

createServer((request, response) => {
  const url = new URL(request.url ?? '', 'http://envoy')
  const [status, body] = answer(url.pathname, url.searchParams.get('filter') ?? '')
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
}).listen(prepare(socket))

function prepare(pipe: string): string {
  rmSync(pipe, { force: true })
  return pipe
}

function answer(pathname: string, pattern: string): readonly [number, unknown] {
  if (pathname === '/ready') return behaviour === 'never-ready' ? [503, 'PRE_INITIALIZING'] : [200, 'LIVE']
  if (pathname === '/stats') return [200, { stats: [pattern.includes('workers') ? STARTED : inFlight()] }]
  const server = { version: 'x/1.40.0/Clean/RELEASE/BoringSSL', state: 'LIVE', uptime_current_epoch: '7s' }
  if (pathname === '/server_info') return [200, { ...server, command_line_options: { config_path: path } }]
  return [200, 'OK']
}

function inFlight() {
  looks++
  const busy = behaviour === 'busy' || (behaviour === 'slow-drain' && looks <= 3)
  return { name: 'http.inbound.downstream_rq_active', value: busy ? 1 : 0 }
}
