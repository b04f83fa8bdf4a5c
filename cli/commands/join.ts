import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { AgentSettings } from '../../agent/settings-schema.js'
import { isMissing } from '../../common/files.js'
import { JoinTokenError, parseToken } from '../../common/join-token.js'
import { describeError } from '../../common/log.js'
import { formatSocketAddress } from '../../common/socket-address.js'
import { CommandFailure, EXIT } from '../exit.js'
import { withRights } from '../no-permission.js'
import type { Write } from '../output.js'
import { readSettings } from '../settings.js'
import { AGENT_CONFIG, agentPlaces, defaultHostName } from './agent.js'
import { configOption, type DaemonOptions } from './config-option.js'

interface JoinOptions extends DaemonOptions {
  readonly tokenFile?: string
}

/** `mesh join`: makes this host part of a mesh, once. */
export function joinCommand(program: Command, write: Write): void {
  program
    .command('join')
    .description('join this host to a mesh with a token from "mesh token create"')
    .argument('[token]', 'the token itself; it shows in the list of processes, so prefer --token-file')
    .option('--token-file <file>', 'file with the token; - is standard input')
    .addOption(configOption(AGENT_CONFIG, 'MESH_AGENT_CONFIG'))
    .addHelpText(
      'after',
      '\nEnds with 73 when this host has joined already, with 77 when the token is refused, with 69 when no control plane answers.\n\nExamples:\n  mesh join --token-file web-1.token\n  ssh cp-1 mesh token create --host web-1 --service web | mesh join --token-file -',
    )
    .action(async (argument: string | undefined, options: JoinOptions) => {
      if (argument !== undefined)
        process.stderr.write('mesh: a token given as an argument shows in the list of processes\n')
      const tokenText = (argument ?? (await readToken(options.tokenFile))).trim()
      const { agentSettings } = await import('../../agent/settings-schema.js')
      const settings = await readSettings(agentSettings, options.config, EXIT.invalidInput)
      await withRights(agentPlaces(settings), () => join(tokenText, settings, write))
    })
}

async function join(tokenText: string, settings: AgentSettings, write: Write): Promise<void> {
  const [{ IdentityStore }, { joinMesh, JoinFailed }] = await Promise.all([
    import('../../agent/identity/store.js'),
    import('../../agent/identity/join.js'),
  ])
  const store = new IdentityStore(settings.stateDirectory)
  const joined = await store.readMembership()
  if (joined !== undefined) {
    const hint = `to join again: "mesh host ${joined.host} evict" on a control plane, and remove ${settings.stateDirectory}/identity here`
    throw new CommandFailure(EXIT.exists, `this host has joined ${joined.trustDomain} as ${joined.host} already`, hint)
  }
  const host = settings.host ?? defaultHostName()
  try {
    const token = parseToken(tokenText)
    const { trustDomain, services, controlPlane } = await joinMesh({ host, tokenText, token, store })
    const may = services.length === 0 ? 'no service by its token' : services.join(', ')
    write(`${host} joined ${trustDomain} at ${formatSocketAddress(controlPlane)}; it may run ${may}\n`)
  } catch (error) {
    if (error instanceof JoinTokenError) throw new CommandFailure(EXIT.invalidInput, error.message)
    if (error instanceof JoinFailed && error.refusal !== undefined)
      throw new CommandFailure(EXIT.permission, error.refusal, `this host calls itself ${host}`)
    if (error instanceof JoinFailed)
      throw new CommandFailure(EXIT.unreachable, error.errors.map(describeError).join('\n'))
    throw error
  }
}

async function readToken(file: string | undefined): Promise<string> {
  if (file === undefined) throw new CommandFailure(EXIT.usage, 'no token given', 'mesh join --token-file FILE')
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) throw new CommandFailure(EXIT.noSuchFile, `no such file: ${file}`)
    throw error
  }
}
