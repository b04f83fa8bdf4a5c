import { create } from '@bufbuild/protobuf'
import {
  type LbEndpoint,
  LbEndpointSchema,
} from '../../common/proto/envoy/config/endpoint/v3/endpoint_components_pb.js'
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import type { MeshEndpoint, MeshEndpoints } from '../mesh/mesh.js'
import { socketAddress } from './messages.js'
import { asIdentity } from './names.js'

/** The endpoints of a cluster, under its name. None at all is an answer too: requests get 503. */
export function buildEndpoints({ name, endpoints }: MeshEndpoints, as?: string): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, {
    clusterName: asIdentity(name, as),
    endpoints: endpoints.length === 0 ? [] : [{ lbEndpoints: endpoints.map(buildEndpoint) }],
  })
}

function buildEndpoint({ address, weight }: MeshEndpoint): LbEndpoint {
  return create(LbEndpointSchema, {
    hostIdentifier: { case: 'endpoint', value: { address: socketAddress(address) } },
    loadBalancingWeight: weight,
  })
}
