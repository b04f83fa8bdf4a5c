import { toBinary } from '@bufbuild/protobuf'
import { type AgentMessage, AgentMessageSchema } from '../../../common/proto/mesh/v1/mesh_pb.js'
import type { Stimulus } from '../lab.js'
import type { Expected } from '../load/expected.js'
import { type MeshDirectory, writeMesh } from './directory.js'
import { type FleetSize, hostMessage, hostName, type Reported, servicesMessage } from './fleet.js'
import { changesBetween, reference } from './reference.js'

/** The service that changes, and the host whose instance of it does. */
export const HOT_SERVICE = 0
export const HOT_HOST = 0

/** A mesh on the disk, what its hosts are to hold, and an instance that goes and comes back. */
export interface Scene extends AsyncDisposable {
  readonly directory: MeshDirectory
  readonly size: FleetSize
  readonly expected: Expected
  /** An instance of the hot service becomes critical, and passes again. */
  readonly stimuli: readonly [Stimulus, Stimulus]
  /** How the session of the hot host begins. */
  readonly session: { readonly host: string; readonly messages: readonly Uint8Array[] }
}

/** Writes a mesh, and works out what it is with and without one endpoint. */
export async function setScene(size: FleetSize): Promise<Scene> {
  const directory = await writeMesh(size)
  const expected = await reference(directory, size)
  const without = await reference(directory, size, new Map([[HOT_HOST, { health: 'critical' }]]))
  return {
    directory,
    size,
    expected,
    stimuli: [
      { event: reportEvent(size, { health: 'critical' }), changes: changesBetween(expected, without) },
      { event: reportEvent(size, {}), changes: changesBetween(without, expected) },
    ],
    session: {
      host: hostName(HOT_HOST),
      messages: [encode(hostMessage(HOT_HOST)), encode(servicesMessage(HOT_HOST, size))],
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

/** The report of the hot host. */
export function reportEvent(size: FleetSize, reported: Reported): Stimulus['event'] {
  return { kind: 'report', host: hostName(HOT_HOST), message: encode(servicesMessage(HOT_HOST, size, reported)) }
}

function encode(message: AgentMessage): Uint8Array {
  return toBinary(AgentMessageSchema, message)
}
