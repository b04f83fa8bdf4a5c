/** A daemon that a test runs: logs a line for each line that it is told, and says how many it has survived. */
import { createInterface } from 'node:readline'
import { createLog } from '../../common/log.js'

const log = createLog('info')
let told = 0
for await (const line of createInterface(process.stdin)) {
  log.info(line.repeat(100))
  await new Promise((resolve) => setImmediate(resolve))
  process.stdout.write(`${++told}\n`)
}
