/** The control plane that is measured, in a process of its own: all its parts as `mesh controlplane` assembles them. */
import { createLog } from '../../../common/log.js'
import { runTasks } from '../../../common/tasks.js'
import { assemble, type ControlPlane } from '../../../controlplane/assemble.js'
import { keepAgents } from '../../../controlplane/kept-agents.js'
import { settingsOf } from '../mesh/directory.js'
import { answer } from '../process/remote.js'
import { UsageMeter } from '../process/usage.js'
import { servePlain } from './plain.js'

/** How a control plane is served: as hosts reach it, or without TLS and with clients that are believed. */
export type Transport = 'tls' | 'plain'

const meter = new UsageMeter()
let controlPlane: ControlPlane | undefined

const api = {
  /** Starts the control plane of a directory. @returns where it is reached */
  async start({ path, transport }: { readonly path: string; readonly transport: Transport }) {
    // Lines are made as in a service, and nobody reads them.
    controlPlane = await assemble(
      settingsOf(path),
      createLog('info', () => undefined),
    )
    const { settings, pipeline, config, state, directory, authority, log } = controlPlane
    const kept = keepAgents(state.agents, directory, settings.discovery.lostGrace, log)
    const tasks = [pipeline.run, config.watch, kept]
    runTasks(new AbortController().signal, tasks).catch((error) => {
      throw error
    })
    if (transport === 'plain') return servePlain(controlPlane)
    return { ...(await controlPlane.api.listen()), trustBundlePem: authority.bundlePem }
  },

  usage: () => meter.read(),
}

/** What the server can be asked. */
export type MeshServerApi = typeof api

answer(api)
