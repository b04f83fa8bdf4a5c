import type { LocalitySchema } from '../../common/proto/envoy/config/core/v3/base_pb.js'
import type { LbEndpointSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_components_pb.js'
import type { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { MeshEndpoint, MeshEndpoints } from '../mesh/mesh.js'
import { socketAddress } from './messages.js'
import { asIdentity } from './names.js'

/**
 * The endpoints of a cluster, under its name. None at all is an answer too: requests get 503.
 *
 * @param group what is said of them all
 */
export function buildEndpoints(
  { name, endpoints }: MeshEndpoints,
  as?: string,
  group: { readonly locality?: Given<typeof LocalitySchema>; readonly loadBalancingWeight?: number } = {},
): Given<typeof ClusterLoadAssignmentSchema> {
  return {
    clusterName: asIdentity(name, as),
    endpoints: endpoints.length === 0 ? [] : [{ ...group, lbEndpoints: endpoints.map(buildEndpoint) }],
  }
}

function buildEndpoint({ address, weight }: MeshEndpoint): Given<typeof LbEndpointSchema> {
  return {
    hostIdentifier: { case: 'endpoint', value: { address: socketAddress(address) } },
    loadBalancingWeight: weight,
  }
}
