import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Namespace } from './namespace.js'
import { type Tool, toolOrSkip } from './tools.js'

/** Sources of the programs that call services as applications do. */
export const CLIENTS_DIRECTORY = fileURLToPath(new URL('../../../test/clients/', import.meta.url))

/** Which addresses a client asks for. */
export type Family = 'any' | '4' | '6' | 'c-ares'

/** A program that resolves a name and calls what it finds. */
export interface Client {
  readonly name: string
  /** What it cannot be made or run without. */
  readonly tools: readonly Tool[]
  /** The families that it can ask for; the first is what applications use. */
  readonly families: readonly Family[]
  /** What it makes of an IPv4 address that is given as an IPv6 one. */
  readonly mapped: 'IPv6' | 'IPv4'
  /** Whether it calls what it finds; the others only resolve. */
  readonly calls: boolean
  /** Whether it can also speak to a tcp service. */
  readonly tcp: boolean
  /** Compiles it into a directory. */
  readonly make?: (directory: string) => readonly [command: string, ...words: string[]]
  /** The command that runs it. */
  readonly command: (directory: string, name: string, port: number, family: Family) => readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** What a client found. */
export interface Found {
  /** Each once. */
  readonly addresses: readonly string[]
  /** The first line of what the service answered. */
  readonly answer: string | undefined
  readonly error: string | undefined
  readonly took: number
}

const source = (path: string) => join(CLIENTS_DIRECTORY, path)

const C = (name: string, compiler: 'musl-gcc' | 'gcc', more: readonly string[]): Client => ({
  name,
  tools: [compiler],
  families: ['any', '4', '6'],
  mapped: 'IPv6',
  calls: true,
  tcp: true,
  make: (directory) => [compiler, '-O1', ...more, '-o', join(directory, compiler), source('c/client.c')],
  command: (directory, ...rest) => [join(directory, compiler), ...rest.map(String)],
})

const GO = (resolver: 'go' | 'cgo'): Client => ({
  name: `Go with its ${resolver === 'go' ? 'own' : 'C'} resolver`,
  tools: resolver === 'go' ? ['go'] : ['go', 'gcc'],
  families: ['any', '4', '6'],
  mapped: 'IPv4',
  calls: true,
  tcp: true,
  make: (directory) => ['go', 'build', '-C', source('go'), '-o', join(directory, 'go-client'), '.'],
  command: (directory, ...rest) => [join(directory, 'go-client'), ...rest.map(String)],
  environment: { GODEBUG: `netdns=${resolver}` },
})

/** All clients whose behaviour docs/names.md tells. */
export const CLIENTS: readonly Client[] = [
  C('C with glibc', 'gcc', []),
  C('C with musl', 'musl-gcc', ['-static']),
  GO('go'),
  GO('cgo'),
  {
    name: 'Python',
    tools: ['python3'],
    families: ['any', '4', '6'],
    mapped: 'IPv6',
    calls: true,
    tcp: true,
    command: (_, ...rest) => ['python3', source('python/client.py'), ...rest.map(String)],
  },
  {
    name: 'Java',
    tools: ['javac'],
    families: ['any', '4', '6'],
    mapped: 'IPv6',
    calls: true,
    tcp: true,
    make: (directory) => ['javac', '-d', directory, source('java/Client.java')],
    command: (directory, ...rest) => [
      'java',
      '-XX:TieredStopAtLevel=1',
      '-cp',
      directory,
      'Client',
      ...rest.map(String),
    ],
  },
  {
    name: 'Node',
    tools: [],
    families: ['any', '4', '6', 'c-ares'],
    mapped: 'IPv6',
    calls: true,
    tcp: true,
    command: (_, ...rest) => [process.execPath, source('node/client.mjs'), ...rest.map(String)],
  },
  {
    name: 'curl',
    tools: ['curl'],
    families: ['any'],
    mapped: 'IPv6',
    calls: true,
    tcp: false,
    command: (_, name, port) => [
      ...[
        'curl',
        '--silent',
        '--output',
        '/dev/null',
        '--write-out',
        'address %{remote_ip}\nanswer HTTP/%{http_version} %{http_code}\n',
      ],
      `http://${name}:${port}/`,
    ],
  },
  {
    name: 'getent',
    tools: [],
    families: ['any'],
    mapped: 'IPv6',
    calls: false,
    tcp: false,
    command: (_, name) => [
      'sh',
      '-c',
      'getent ahosts "$1" | sed -n "s/^\\([^ ]*\\) *STREAM.*/address \\1/p"',
      'sh',
      name,
    ],
  },
]

/** Makes a client; undefined, with a loud skip, where a tool is missing. */
export async function makeOrSkip(t: Pick<TestContext, 'skip'>, client: Client, directory: string): Promise<boolean> {
  for (const tool of client.tools) if ((await toolOrSkip(t, tool)) === undefined) return false
  const [command, ...words] = client.make?.(directory) ?? []
  if (command === undefined) return true
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod -buildvcs=false' }
  await new Promise<void>((resolve, reject) => {
    execFile(command, words, { env, timeout: 120_000 }, (error) => (error === null ? resolve() : reject(error)))
  })
  return true
}

/** Runs a client in a namespace. */
export async function runClient(
  namespace: Namespace,
  client: Client,
  directory: string,
  { name, port, family = 'any' }: { readonly name: string; readonly port: number; readonly family?: Family },
): Promise<Found> {
  const [command = '', ...words] = client.command(directory, name, port, family)
  const { code, output, took } = await namespace.run(command, words, client.environment)
  const lines = output.split('\n').map((line) => /^(address|answer|error) (.*)$/.exec(line) ?? [])
  const of = (what: string) => lines.flatMap(([, kind, text]) => (kind === what && text !== undefined ? [text] : []))
  const found = of('address').filter((address) => address !== '')
  const error = of('error')[0] ?? (code !== 0 || found.length === 0 ? `ended with ${code}` : undefined)
  return { addresses: [...new Set(found)], answer: of('answer')[0], error, took }
}
