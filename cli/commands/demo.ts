import type { Command } from 'commander'
import type { Write } from '../output.js'
import { shutdownSignal } from '../signals.js'

/** `mesh demo`: a whole mesh on this machine, to look at and to try things on. */
export function demoCommand(program: Command, write: Write): void {
  program
    .command('demo')
    .description('run a whole mesh on loopback addresses, with real Envoys, below a temporary directory')
    .option('--check', 'run every promise of the demo as a check, unattended, and end')
    .addHelpText(
      'after',
      '\nNeeds Linux and the loopback addresses 127.0.1.x; Envoy is fetched once if none is found.\n\nExamples:\n  mesh demo\n  mesh demo --check',
    )
    .action(async ({ check }: { check?: boolean }) => {
      const { runDemo } = await import('../demo/demo.js')
      process.exitCode = await runDemo(check === true ? 'check' : 'show', write, shutdownSignal())
    })
}
