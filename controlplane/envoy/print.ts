import { createRegistry, type DescMessage, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf'
import { ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { StdoutAccessLogSchema } from '../../common/proto/envoy/extensions/access_loggers/stream/v3/stream_pb.js'
import { RBACPerRouteSchema, RBACSchema } from '../../common/proto/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import { RouterSchema } from '../../common/proto/envoy/extensions/filters/http/router/v3/router_pb.js'
import { TlsInspectorSchema } from '../../common/proto/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
import { HttpConnectionManagerSchema } from '../../common/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { TcpProxySchema } from '../../common/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { DnsFilterConfigSchema } from '../../common/proto/envoy/extensions/filters/udp/dns_filter/v3/dns_filter_pb.js'
import { HeaderMutationSchema } from '../../common/proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js'
import { PreviousHostsPredicateSchema } from '../../common/proto/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
import { SecretSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { HttpProtocolOptionsSchema } from '../../common/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { Resource } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'

const SCHEMAS: ReadonlyMap<string, DescMessage> = new Map<string, DescMessage>([
  [CLUSTER, ClusterSchema],
  [ENDPOINT, ClusterLoadAssignmentSchema],
  [LISTENER, ListenerSchema],
  [ROUTE, RouteConfigurationSchema],
  [SECRET, SecretSchema],
])

/** What may stand in an Any. */
const registry = createRegistry(
  DnsFilterConfigSchema,
  DownstreamTlsContextSchema,
  HeaderMutationSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  PreviousHostsPredicateSchema,
  RBACPerRouteSchema,
  RBACSchema,
  RouterSchema,
  StdoutAccessLogSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  UpstreamTlsContextSchema,
)

/** A resource in proto3 JSON: exactly what Envoy accepts. @throws Error where this code knows no schema of the type */
export function printResource({ type, bytes }: Pick<Resource, 'type' | 'bytes'>): JsonValue {
  const schema = SCHEMAS.get(type)
  if (schema === undefined) throw new Error(`no schema for ${type}`)
  return toJson(schema, fromBinary(schema, bytes), { registry })
}
