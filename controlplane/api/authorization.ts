import type { DescMethod, DescService } from '@bufbuild/protobuf'
import { methodPath } from '../../common/grpc/definition.js'
import { AggregatedDiscoveryService } from '../../common/proto/envoy/service/discovery/v3/ads_pb.js'
import { Agents, Identity } from '../../common/proto/mesh/v1/mesh_pb.js'

/** Who calls, by what TLS verified: nobody (no client certificate), or a kind of identity. */
export type CallerKind = 'anonymous' | 'host' | 'service' | 'control-plane'

type Table<S extends DescService> = { readonly [method in keyof S['method']]: readonly CallerKind[] }

/**
 * Who may call which method: the whole authorization of the API in one place. A method without a row does not compile.
 * Certificates that are expired, of a banned host, or not of this mesh never get this far: their connection is refused, or
 * answered by {@link ./dismissals.js} alone.
 */
export const AUTHORIZATION: {
  readonly identity: Table<typeof Identity>
  readonly agents: Table<typeof Agents>
  readonly discovery: Table<typeof AggregatedDiscoveryService>
} = {
  identity: {
    enrol: ['anonymous', 'host'],
    issue: ['host'],
    // Whoever the certificate names that is presented in the message, which has expired.
    recover: ['anonymous'],
  },
  agents: {
    session: ['host'],
  },
  discovery: {
    deltaAggregatedResources: ['host'],
    streamAggregatedResources: ['host'],
  },
}

const SERVICES = { identity: Identity, agents: Agents, discovery: AggregatedDiscoveryService } as const

const BY_PATH: ReadonlyMap<string, readonly CallerKind[]> = new Map(
  Object.entries(SERVICES).flatMap(([name, service]) => {
    const rows = AUTHORIZATION[name as keyof typeof AUTHORIZATION] as Readonly<Record<string, readonly CallerKind[]>>
    return service.methods.map((method: DescMethod) => [methodPath(method), rows[method.localName] ?? []] as const)
  }),
)

/** Whether a caller of this kind may call the method at this path; an unknown path is for nobody. */
export function mayCall(caller: CallerKind, path: string): boolean {
  return BY_PATH.get(path)?.includes(caller) ?? false
}

/** All paths of the table, for the test that tries every cell. */
export const METHOD_PATHS: readonly string[] = [...BY_PATH.keys()]
