import { holdDirectory } from '../common/hold-directory.js'
import type { Log } from '../common/log.js'
import { serveMetrics } from '../common/metrics/serve.js'
import { createNotifier } from '../common/notify.js'
import { formatSocketAddress } from '../common/socket-address.js'
import { aborted, runTasks, type Task } from '../common/tasks.js'
import { VERSION } from '../common/version.js'
import { type AdminRoute, serveAdminSocket, serveStatusPort } from './admin/server.js'
import { refuseTakenSocket } from './admin/taken-socket.js'
import { administer } from './administration.js'
import { assemble, type ControlPlane } from './assemble.js'
import { logAuthorityExpiry } from './ca/authority-expiry.js'
import { renewOwnCertificate } from './certificate.js'
import { keepAgents } from './kept-agents.js'
import { reachableAt } from './reachable.js'
import type { ControlPlaneSettings } from './settings-schema.js'
import { refuseTakenPorts } from './taken-port.js'

/** What a control plane is started with. */
export interface ControlPlaneOptions {
  readonly settings: ControlPlaneSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/**
 * Runs a control plane until the signal aborts. Nothing is served before every source has been read once, or its last
 * good state, and nothing is written or issued while another control plane has the state or the admin socket.
 *
 * @throws DirectoryHeld, AdminSocketTaken: another control plane runs
 * @throws AuthorityError, StateFileError, LeftOpenError: what a person has to mend first
 */
export async function runControlPlane(options: ControlPlaneOptions, signal: AbortSignal): Promise<void> {
  const { settings } = options
  const { listen, admin } = settings
  await refuseTakenSocket(admin.socket)
  const release = await holdDirectory('control plane', settings.state.directory)
  try {
    await refuseTakenPorts([listen, ...(admin.http === 'off' ? [] : [admin.http])])
    await runAlone(options, signal)
  } finally {
    release()
  }
}

async function runAlone({ settings, environment, log }: ControlPlaneOptions, signal: AbortSignal): Promise<void> {
  const notifier = createNotifier(environment['NOTIFY_SOCKET'], log)
  const forCommands = environment['MESH_ADMIN_SOCKET']
  if (forCommands !== undefined && forCommands !== settings.admin.socket) {
    log.warn('MESH_ADMIN_SOCKET is for the commands of operators and not read here', { socket: settings.admin.socket })
  }
  const controlPlane = await assemble(settings, log)
  const bound = await controlPlane.api.listen()
  const tasks = tasksOf(controlPlane, administer(controlPlane, await reachableAt(settings, bound)))
  notifier.ready(`serves ${formatSocketAddress(bound)}`)
  log.info('control plane runs', { id: settings.id, listen: formatSocketAddress(bound), version: VERSION })
  await runTasks(signal, tasks)
  log.info('control plane has stopped')
  await notifier.flush()
}

function tasksOf(controlPlane: ControlPlane, routes: readonly AdminRoute[]): readonly Task[] {
  const { settings, pipeline, config, state, directory, authority, certificate, metrics, audit, log } = controlPlane
  const { admin, metrics: metricsAddress } = settings
  return [
    pipeline.run,
    config.watch,
    keepAgents(state.agents, directory, settings.discovery.lostGrace, log),
    renewOwnCertificate(authority, settings.id, settings.ca.leafTtl, certificate, audit),
    logAuthorityExpiry(authority, log),
    serveAdminSocket(admin.socket, routes, log),
    ...(admin.http === 'off' ? [] : [serveStatusPort(admin.http, routes, log)]),
    ...(metricsAddress === undefined ? [] : [serveMetrics(metricsAddress, metrics, log)]),
    closeWhenAborted(controlPlane),
  ]
}

function closeWhenAborted({ xds, api }: ControlPlane): Task {
  return async (signal) => {
    await aborted(signal)
    xds.close()
    await api.close()
  }
}
