import { HeaderValueOption_HeaderAppendAction } from '../../common/proto/envoy/config/core/v3/base_pb.js'
import { HttpProtocolOptions_HeadersWithUnderscoresAction } from '../../common/proto/envoy/config/core/v3/protocol_pb.js'
import { RouterSchema } from '../../common/proto/envoy/extensions/filters/http/router/v3/router_pb.js'
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
  type ResponseMapperSchema,
} from '../../common/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { HeaderMutationSchema } from '../../common/proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import { MAX_STREAMS, STREAM_IDLE_MS } from '../mesh/fixed-settings.js'
import type { InboundPort, NamedPort } from '../mesh/mesh.js'
import { ERROR_LOG } from './access-log.js'
import { ADS, duration, type Packed, pack, packer } from './messages.js'
import {
  ALLOW_FILTER,
  asIdentity,
  CLIENT_HEADER,
  DENY_FILTER,
  inboundRouteName,
  outboundRouteName,
  UNDELIVERED_HEADER,
} from './names.js'
import { rbacFilter } from './rbac.js'

/** The callee keeps streams a little longer than callers do, so that it is the caller that gives up and knows why. */
const INBOUND_STREAM_IDLE_MS = 330_000

/** Idle connections of applications and of other Envoys, milliseconds. */
const CONNECTION_IDLE_MS = 3_600_000

/**
 * Response flags for which the application has not seen the request: no connection to it, no host, overflow, and no
 * cluster, as when a service has left this host and a caller has not heard of it yet.
 */
const UNDELIVERED_FLAGS = ['UF', 'UH', 'UO', 'NC']

/** What is the same in every chain is made once. */
const ROUTER = filter('envoy.filters.http.router', pack(RouterSchema, {}))
const DENY = filter(DENY_FILTER, rbacFilter('mesh_deny_'))
const ALLOW = filter(ALLOW_FILTER, rbacFilter('mesh_allow_'))

/** Drops what a caller may have forged and says who it is by its certificate, before anything looks at the request. */
const CLIENT_HEADER_MUTATION = pack(HeaderMutationSchema, {
  mutations: [
    { action: { case: 'remove', value: UNDELIVERED_HEADER } },
    { action: { case: 'remove', value: CLIENT_HEADER } },
    {
      action: {
        case: 'append',
        value: {
          header: { key: CLIENT_HEADER, value: '%DOWNSTREAM_PEER_URI_SAN%' },
          appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        },
      },
    },
  ],
})

/** Marks the answers that this Envoy gives because it could not reach the application. */
const UNDELIVERED_MAPPER: Given<typeof ResponseMapperSchema> = {
  filter: {
    filterSpecifier: { case: 'responseFlagFilter', value: { flags: UNDELIVERED_FLAGS } },
  },
  headersToAdd: [
    {
      header: { key: UNDELIVERED_HEADER, value: '1' },
      appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    },
  ],
}

/**
 * What both sides have in common: one form of paths and names, so that rules and routes judge the same text. Escaped
 * slashes are refused by a route, where they are.
 */
const COMMON = {
  codecType: HttpConnectionManager_CodecType.AUTO,
  commonHttpProtocolOptions: {
    idleTimeout: duration(CONNECTION_IDLE_MS),
    headersWithUnderscoresAction: HttpProtocolOptions_HeadersWithUnderscoresAction.REJECT_REQUEST,
  },
  http2ProtocolOptions: { allowConnect: true, maxConcurrentStreams: MAX_STREAMS },
  serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
  normalizePath: true,
  mergeSlashes: true,
  pathWithEscapedSlashesAction: HttpConnectionManager_PathWithEscapedSlashesAction.KEEP_UNCHANGED,
  stripPortMode: { case: 'stripAnyHostPort' as const, value: true },
  stripTrailingHostDot: true,
  requestTimeout: duration(0),
  // Between Envoys an upgrade is a CONNECT stream of HTTP/2, which both sides allow above.
  upgradeConfigs: [{ upgradeType: 'websocket' }],
  accessLog: [ERROR_LOG],
}

const packOutbound = packer(HttpConnectionManagerSchema, {
  ...COMMON,
  statPrefix: 'outbound',
  httpFilters: [ROUTER],
  // nginx and others speak HTTP/1.0 to upstreams unless told otherwise, some of them without a Host.
  httpProtocolOptions: { acceptHttp10: true },
  streamIdleTimeout: duration(STREAM_IDLE_MS),
  useRemoteAddress: false,
})

/** The connection manager of a name listener: the caller's side. */
export function outboundConnectionManager(port: NamedPort, as?: string): Packed {
  return packOutbound({
    routeSpecifier: routesCalled(asIdentity(outboundRouteName(port.name), as)),
    httpProtocolOptions: { defaultHostForHttp10: port.service },
  })
}

const packInbound = packer(HttpConnectionManagerSchema, {
  ...COMMON,
  codecType: HttpConnectionManager_CodecType.HTTP2,
  statPrefix: 'inbound',
  httpFilters: [DENY, ALLOW, ROUTER],
  streamIdleTimeout: duration(INBOUND_STREAM_IDLE_MS),
  // The peer is an Envoy of the mesh: what it says of the request (its ID, http or https) holds, and its own address is
  // of no use to the application.
  useRemoteAddress: false,
  forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
  setCurrentClientCertDetails: { uri: true },
  earlyHeaderMutationExtensions: [
    { name: 'envoy.http.early_header_mutation.header_mutation', typedConfig: CLIENT_HEADER_MUTATION },
  ],
  localReplyConfig: { mappers: [UNDELIVERED_MAPPER] },
})

/** The connection manager of an inbound filter chain: the callee's side. */
export function inboundConnectionManager(port: InboundPort): Packed {
  return packInbound({ routeSpecifier: routesCalled(inboundRouteName(port.local)) })
}

function routesCalled(routeConfigName: string) {
  return { case: 'rds' as const, value: { configSource: ADS, routeConfigName } }
}

function filter(name: string, config: Packed): Given<typeof HttpFilterSchema> {
  return { name, configType: { case: 'typedConfig', value: config } }
}
