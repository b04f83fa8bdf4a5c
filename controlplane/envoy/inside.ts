import type { MeshPort } from '../mesh/mesh.js'

/** What hosts need of a port to serve it or to listen for it: nothing of where its instances are. */
export type Inside = Pick<MeshPort, 'named' | 'inbound' | 'allowList'>

/** By name of the port. */
export type Insides = ReadonlyMap<string, Inside>

/** @param port whole, with its endpoints */
export function insideOf({ named, inbound, allowList }: MeshPort): Inside {
  return {
    named,
    ...(inbound === undefined ? {} : { inbound }),
    ...(allowList === undefined ? {} : { allowList }),
  }
}
