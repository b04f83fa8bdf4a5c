/**
 * An agent that a test kills: supervises the Envoy of the spec that it is given as JSON, and prints its process id when
 * it is ready.
 */
import { createEnvoyAdmin } from '../../agent/envoy/admin.js'
import { createChildProcessLauncher } from '../../agent/envoy/child-process.js'
import type { LaunchSpec } from '../../agent/envoy/launcher.js'
import { notStarted, superviseEnvoy } from '../../agent/envoy/supervise.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'

const spec: LaunchSpec = JSON.parse(process.argv[2] ?? '')
const status = new Latest(notStarted(Date.now()))
const signal = new AbortController().signal
const launcher = createChildProcessLauncher(process.env, silentLog)
const admin = createEnvoyAdmin(spec.adminSocket)
const ended = superviseEnvoy({ launcher, spec, admin, status, whenStopped: () => 'drain', log: silentLog })(signal)
const { pid } = await waitFor(status, ({ state }) => state === 'ready', signal)
process.stdout.write(`${pid}\n`)
await ended
