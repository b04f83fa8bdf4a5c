import { type Command, InvalidArgumentError, Option } from 'commander'
import type { TokenCreated, TokenRequest, TokenView } from '../../common/admin-api.js'
import { parseDuration } from '../../common/config/fields.js'
import { askControlPlane, DEFAULT_SOCKET } from '../admin-client.js'
import { outputOption, printRows, type Write } from '../output.js'
import type { Column } from '../table.js'
import { formatSpan } from '../table.js'
import { type SocketOption, socketOption } from './socket-option.js'

interface CreateOptions extends SocketOption {
  readonly host: string
  readonly service?: readonly string[]
  readonly uses?: number
  readonly ttl?: number
}

const COLUMNS: readonly Column<TokenView>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'HOST', value: ({ host }) => host },
  { title: 'SERVICES', value: ({ services }) => services.join(',') },
  { title: 'USED', value: ({ used, uses }) => `${used} of ${uses}` },
  { title: 'EXPIRES', value: ({ expiresAt }) => `in ${formatSpan(Date.parse(expiresAt) - Date.now())}` },
]

const NO_SERVICE = 'mesh: without --service the host may join and run nothing, unless a host-policy gives it services\n'

/** `mesh token create|list|revoke`: the tokens with which hosts join. */
export function tokenCommand(program: Command, write: Write): void {
  const token = program.command('token').description('join tokens: what a new host proves itself with, once')
  token
    .command('create')
    .description('make a token; it is printed once and kept only as a hash')
    .requiredOption('--host <name>', 'the host that may join, or a pattern such as web-*')
    .option('--service <name>', 'a service that it may run; repeatable, patterns allowed', collect)
    .addOption(new Option('--uses <n>', 'how many hosts may join with it (patterns only)').argParser(parseCount))
    .addOption(new Option('--ttl <duration>', 'how long it is valid: 10m unless given').argParser(parseTtl))
    .addOption(socketOption())
    .addHelpText(
      'after',
      '\nThe token goes to standard output alone, so that it can be redirected into a file.\n\nExamples:\n  mesh token create --host web-1 --service web > web-1.token\n  mesh token create --host "web-*" --service web --uses 50 --ttl 24h',
    )
    .action(async ({ socket, host, service = [], uses, ttl }: CreateOptions) => {
      const request: TokenRequest = {
        host,
        services: service,
        ...(uses === undefined ? {} : { uses }),
        ...(ttl === undefined ? {} : { ttlMs: ttl }),
      }
      const created = await askControlPlane<TokenCreated>(socket, 'POST', '/v1/tokens', request)
      write(`${created.token}\n`)
      if (socket !== DEFAULT_SOCKET)
        process.stderr.write(`mesh: made by control plane ${created.controlPlane}, at ${socket}\n`)
      if (service.length === 0) process.stderr.write(NO_SERVICE)
    })
  token
    .command('list')
    .description('list the tokens that can still be used')
    .addOption(outputOption())
    .addOption(socketOption())
    .action(async ({ output, socket }: SocketOption & { output: string }) => {
      const tokens = await askControlPlane<TokenView[]>(socket, 'GET', '/v1/tokens')
      printRows(output, tokens, tokens, COLUMNS, write)
    })
  token
    .command('revoke')
    .description('make a token useless; hosts that joined with it stay')
    .argument('<id>', 'its id, from mesh token list')
    .addOption(socketOption())
    .action(async (id: string, { socket }: SocketOption) => {
      await askControlPlane(socket, 'DELETE', `/v1/tokens/${encodeURIComponent(id)}`)
      write(`${id}: revoked\n`)
    })
}

function collect(value: string, all: readonly string[] = []): readonly string[] {
  return [...all, value]
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('write a whole number from 1')
  return count
}

function parseTtl(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('write a duration such as 10m or 24h')
  return ms
}
