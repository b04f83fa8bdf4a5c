import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LaunchSpec } from '../../agent/envoy/launcher.js'

/** Lets an agent in a process of its own start Envoy, kills that agent, and tells the number of the Envoy it left. */
export async function abandonEnvoy(spec: LaunchSpec): Promise<number> {
  const script = fileURLToPath(new URL('abandoned-agent.js', import.meta.url))
  const agent = spawn(process.execPath, [script, JSON.stringify(spec)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(agent, 'exit')
  const [line] = await once(createInterface(agent.stdout), 'line')
  agent.kill('SIGKILL')
  await exited
  return Number(line)
}
