/**
 * Many light agents in a process of their own, so that what they cost is nobody else's: joins them, prints `joined`, starts
 * all at once, and then prints how many of them are in step with their control plane, each time that changes.
 *
 * Usage: main.js <hosts> <services> <token> <directory>
 */
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { LightAgent } from './light-agent.js'

const [, , hosts = '', services = '', token = '', directory = ''] = process.argv

// Real hosts have processors of their own; these must not take those of the mesh that is watched.
setPriority(10)
const herd: LightAgent[] = []
for (let index = 0; index < Number(hosts); index++) {
  const host = `herd-${index}`
  const address = `127.0.${64 + (index >> 8)}.${index & 255}`
  herd.push(
    await LightAgent.join({ host, address, service: `herd-${index % Number(services)}` }, token, join(directory, host)),
  )
}
console.log('joined')
let told = -1
for (const agent of herd) {
  agent.followed.subscribe(tell)
  agent.start()
}

function tell(): void {
  const inStep = herd.filter(({ followed }) => followed.value.inStep).length
  if (inStep !== told) console.log(`in step ${inStep}`)
  told = inStep
}
