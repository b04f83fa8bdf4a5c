import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SocketAddress } from '../../common/socket-address.js'

/** The user ID of `nobody`. */
const NOBODY = 65_534

/** What a local user tries to get at. */
export interface Attempts {
  /** Files to read, directories to list. */
  readonly files: readonly string[]
  /** Unix sockets to connect to. */
  readonly sockets: readonly string[]
  /** Ports that may be Envoy's admin, or something with as much to tell. */
  readonly ports: readonly SocketAddress[]
}

/** What worked. */
export type Got = { readonly [kind in keyof Attempts]: readonly string[] }

/**
 * The program that tries; it comes by standard input, since its user may be able to read no file of ours. A port counts
 * if it answers a path of Envoy's admin by anything but "not found".
 */
const PROGRAM = `
const { readFileSync, readdirSync, statSync } = require('node:fs')
const { connect } = require('node:net')
const { request } = require('node:http')
const attempts = JSON.parse(process.argv[2])
const reads = (path) => {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) !== undefined : readFileSync(path) !== undefined
  } catch { return false }
}
const connects = (path) => new Promise((resolve) => {
  const socket = connect(path, () => resolve(true)).on('error', () => resolve(false)).setTimeout(2000, () => resolve(false))
  socket.on('connect', () => socket.destroy())
})
const tells = ({ address, port }, path) => new Promise((resolve) => {
  request({ host: address, port, path, timeout: 2000 }, (response) => {
    response.resume()
    resolve(response.statusCode === 200)
  }).on('timeout', function () { this.destroy() }).on('error', () => resolve(false)).end()
})
const administers = async (at) => {
  for (const path of ['/config_dump', '/certs', '/clusters', '/server_info', '/quitquitquit']) if (await tells(at, path)) return true
  return false
}
const filter = async (list, holds) => {
  const kept = []
  for (const one of list) if (await holds(one)) kept.push(typeof one === 'string' ? one : one.address + ':' + one.port)
  return kept
}
void (async () => {
  const files = attempts.files.filter(reads)
  const sockets = await filter(attempts.sockets, connects)
  const ports = await filter(attempts.ports, administers)
  process.stdout.write(JSON.stringify({ files, sockets, ports }))
})()
`

/** Lets a user try; only root can be another one. */
export function tryAs(user: 'nobody' | 'root', attempts: Attempts): Promise<Got> {
  const child = spawn(process.execPath, ['-', JSON.stringify(attempts)], {
    cwd: '/',
    env: {},
    ...(user === 'nobody' ? { uid: NOBODY, gid: NOBODY } : {}),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  child.stdin.end(PROGRAM)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`ended with ${code}`))))
  })
}

/** Everything below a directory and the directory itself, apart: sockets, and all else. */
export async function everythingBelow(directory: string): Promise<Pick<Attempts, 'files' | 'sockets'>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const pathOf = (entry: (typeof entries)[number]) => join(entry.parentPath, entry.name)
  return {
    files: [directory, ...entries.filter((entry) => !entry.isSocket()).map(pathOf)],
    sockets: entries.filter((entry) => entry.isSocket()).map(pathOf),
  }
}
