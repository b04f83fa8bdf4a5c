/** The pipeline of a control plane alone, in a process of its own: reports and documents in, publications out. */
import { Latest } from '../../../common/latest.js'
import { silentLog } from '../../../common/log.js'
import { assemble, type ControlPlane } from '../../../controlplane/assemble.js'
import type { SessionReports } from '../../../controlplane/catalog/agents.js'
import { parseHostReport, parseServicesReport } from '../../../controlplane/catalog/report.js'
import { readConfig } from '../../../controlplane/config/watch.js'
import { configDirectories } from '../../../controlplane/directories.js'
import { Pipeline } from '../../../controlplane/pipeline.js'
import { Quarantine } from '../../../controlplane/quarantine.js'
import { settingsOf } from '../mesh/directory.js'
import { type FleetSize, hostMessage, hostName, type Reported, servicesMessage } from '../mesh/fleet.js'
import { expectedOf } from '../mesh/reference.js'
import { answer } from '../process/remote.js'
import { UsageMeter } from '../process/usage.js'

const meter = new UsageMeter()
const sessions = new Map<number, SessionReports>()
let controlPlane: ControlPlane | undefined

const api = {
  /** Reads everything and builds the first mesh. @returns milliseconds that this took */
  async open(path: string) {
    const begun = performance.now()
    controlPlane = await assemble(settingsOf(path), silentLog)
    return performance.now() - begun
  },

  /** Builds the mesh by a pipeline that remembers nothing. @returns milliseconds */
  async buildAll() {
    const { settings, directory, config, state, allows, trustBundlePem } = theControlPlane()
    const pipeline = new Pipeline({
      agents: directory.members,
      config: config.loaded,
      enrolments: new Latest(undefined),
      mayRun: allows,
      graces: { lost: settings.discovery.lostGrace, returning: settings.discovery.returnGrace },
      trustBundlePem,
      quarantine: new Quarantine(),
      offsets: { ...state.offsets, save: async () => {} },
      trustDomain: settings.trustDomain,
      domain: settings.domain,
      verify: false,
      log: silentLog,
    })
    const begun = performance.now()
    await pipeline.build()
    return performance.now() - begun
  },

  /** A host reports; the mesh is built again. @returns milliseconds */
  async report({
    host,
    size,
    reported,
  }: {
    readonly host: number
    readonly size: FleetSize
    readonly reported: Reported
  }) {
    const { message } = servicesMessage(host, size, reported)
    if (message.case !== 'services') throw new Error('a report of another kind')
    const session = sessionOf(host)
    const begun = performance.now()
    session.services(parseServicesReport(message.value))
    await theControlPlane().pipeline.build()
    return performance.now() - begun
  },

  /** Reads all documents again; the mesh is built again. @returns milliseconds of building alone */
  async reload() {
    const { settings, config, pipeline } = theControlPlane()
    config.loaded.set(await readConfig(configDirectories(settings)))
    const begun = performance.now()
    await pipeline.build()
    return performance.now() - begun
  },

  /** The versions of all that is published now. */
  published: () => expectedOf(theControlPlane().pipeline.state.value.publication),

  usage: () => meter.read(),
}

/** What the process can be asked. */
export type PipelineApi = typeof api

function sessionOf(host: number): SessionReports {
  const known = sessions.get(host)
  if (known !== undefined) return known
  const { message } = hostMessage(host)
  if (message.case !== 'host') throw new Error('a report of another kind')
  const session = theControlPlane().directory.begin(hostName(host))
  session.claim({ id: `session-${host}`, peer: '127.0.0.1:1', supersede: () => undefined })
  session.host(parseHostReport(message.value))
  sessions.set(host, session)
  return session
}

function theControlPlane(): ControlPlane {
  if (controlPlane === undefined) throw new Error('no directory is open')
  return controlPlane
}

answer(api)
