#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { describeError } from '../common/log.js'
import { VERSION } from '../common/version.js'
import { agentCommand } from './commands/agent.js'
import { caCommand } from './commands/ca.js'
import { configCommand } from './commands/config.js'
import { controlPlaneCommand } from './commands/controlplane.js'
import { demoCommand } from './commands/demo.js'
import { describeCommand } from './commands/describe.js'
import { describeOption, helpCommand } from './commands/help.js'
import { hostCommand, hostsCommand } from './commands/hosts.js'
import { joinCommand } from './commands/join.js'
import { renderCommand } from './commands/render.js'
import { servicesCommand } from './commands/services.js'
import { statusCommand } from './commands/status.js'
import { tokenCommand } from './commands/token.js'
import { validateCommand } from './commands/validate.js'
import { versionCommand } from './commands/version.js'
import { CommandFailure, EXIT } from './exit.js'
import type { Write } from './output.js'
import { harmless } from './terminal.js'

const COMMANDS = [
  controlPlaneCommand,
  agentCommand,
  demoCommand,
  caCommand,
  tokenCommand,
  joinCommand,
  validateCommand,
  renderCommand,
  configCommand,
  statusCommand,
  hostsCommand,
  servicesCommand,
  describeCommand,
  hostCommand,
  versionCommand,
  helpCommand,
] as const

const EXAMPLES = `
Examples:
  mesh demo                                     try a whole mesh on this machine
  mesh token create --host web-1 --service web  a token with which a host joins
  mesh join --token-file web-1.token            on that host, before "mesh agent"
  mesh validate ./mesh.d                        check documents before they are in effect
  mesh status                                   what runs, and what is wrong
  mesh hosts                                    each host: session, sync state, notes`

/** Runs the command and sets the exit code; a failure is one line and a hint on standard error. */
async function main(): Promise<void> {
  const program = new Command('mesh')
    .description('A service mesh for virtual machines and bare metal.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureHelp({ optionDescription: describeOption })
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(mesh --help, or mesh <command> --help, tells more)')
  const write: Write = (text) => process.stdout.write(harmless(text))
  for (const add of COMMANDS) add(program, write)
  try {
    await program.parseAsync()
  } catch (error) {
    process.exitCode = report(error)
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof CommandFailure) {
    process.stderr.write(harmless(`mesh: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`))
    return error.exitCode
  }
  process.stderr.write(harmless(`mesh: ${describeError(error)}\n`))
  return EXIT.other
}

process.stdout.on('error', (error: Error & { code?: string }) => {
  // The reader of a pipe went away (`mesh hosts | head`): nothing is left to say.
  if (error.code === 'EPIPE') process.exit(EXIT.ok)
  throw error
})

await main()
