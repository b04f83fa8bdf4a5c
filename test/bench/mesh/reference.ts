import type { Publication } from '../../../common/xds/resource.js'
import { configDirectories } from '../../../controlplane/directories.js'
import { buildOffline, describedHosts } from '../../../controlplane/offline/build.js'
import type { Change, Expected } from '../load/expected.js'
import type { MeshDirectory } from './directory.js'
import { type FleetSize, fleetRecords, type Reported } from './fleet.js'

/**
 * What a control plane has to serve, built from the documents and reports from nothing in another process than the one
 * that is measured.
 *
 * @param reported by number of the host: what it reports now, where that is not the usual
 */
export async function reference(
  { settings }: MeshDirectory,
  size: FleetSize,
  reported: ReadonlyMap<number, Reported> = new Map(),
): Promise<Expected> {
  const hosts = describedHosts(fleetRecords(size, reported))
  const { state } = await buildOffline(settings, configDirectories(settings), hosts)
  return expectedOf(state.publication)
}

/** The versions of a publication. */
export function expectedOf({ layers, clients }: Publication): Expected {
  const versions = [...layers].map(([layer, types]) => {
    const byType = [...types].map(([type, resources]) => {
      const byName = [...resources].map(([name, { version }]) => [name, version] as const)
      return [type, new Map(byName)] as const
    })
    return [layer, new Map(byType)] as const
  })
  return { layers: new Map(versions), hosts: clients }
}

/** What is different between two states of one mesh. */
export function changesBetween(before: Expected, after: Expected): readonly Change[] {
  const changes: Change[] = []
  for (const [layer, types] of after.layers) {
    for (const [type, names] of types) {
      const old = before.layers.get(layer)?.get(type)
      for (const [name, version] of names) if (old?.get(name) !== version) changes.push({ layer, type, name, version })
      for (const name of old?.keys() ?? []) if (!names.has(name)) changes.push({ layer, type, name, version: '' })
    }
  }
  return changes
}
