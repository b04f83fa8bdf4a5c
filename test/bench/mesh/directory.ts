import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../../common/log.js'
import { initAuthority } from '../../../controlplane/ca/authority.js'
import { type ControlPlaneSettings, controlPlaneSettings } from '../../../controlplane/settings-schema.js'
import { openState } from '../../../controlplane/state.js'
import { meshDocuments, serviceDocuments } from './documents.js'
import { type FleetSize, fleetRecords, serviceName, TRUST_DOMAIN } from './fleet.js'

/** A directory with all that a control plane of a benchmark reads; gone when it is disposed of. */
export interface MeshDirectory extends AsyncDisposable {
  readonly path: string
  readonly settings: ControlPlaneSettings
  /** The file of what holds for the whole mesh. */
  readonly meshFile: string
}

/** Writes the documents of a mesh, its CA, and what its hosts have reported. */
export async function writeMesh(size: FleetSize): Promise<MeshDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'hostmesh-bench-'))
  const settings = settingsOf(path)
  const documents = join(path, 'mesh.d')
  await mkdir(documents)
  await mkdir(join(path, 'catalog.d'))
  await initAuthority(join(path, 'ca'), { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1' })
  const meshFile = join(documents, 'mesh.yaml')
  await writeFile(meshFile, meshDocuments('/forbidden'))
  for (let index = 0; index < size.services; index++) {
    await writeFile(join(documents, `${serviceName(index)}.yaml`), serviceDocuments(index, size.services))
  }
  const { agents } = await openState(path, silentLog)
  const records = [...fleetRecords(size).values()]
  const state = records.map(({ host, facts, services }) => ({ host, facts, services: [...services] }))
  await agents.update(() => ({ state, result: undefined }))
  const dispose = () => rm(path, { recursive: true, force: true })
  return { path, settings, meshFile, [Symbol.asyncDispose]: dispose }
}

/** The settings of a control plane in a directory. */
export function settingsOf(path: string): ControlPlaneSettings {
  const settings = controlPlaneSettings.parse({
    trustDomain: TRUST_DOMAIN,
    listen: '127.0.0.1:15012',
    admin: { socket: join(path, 'admin.sock'), http: 'off' },
    // Hosts of which there is only a report, and no session, are to stay.
    discovery: { files: join(path, 'catalog.d'), returnGrace: '24h', lostGrace: '24h' },
    config: [join(path, 'mesh.d')],
    state: { directory: path },
  })
  return { ...settings, listen: { address: '127.0.0.1', port: 0 } }
}
