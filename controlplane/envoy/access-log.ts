import { type AccessLogSchema, ComparisonFilter_Op } from '../../common/proto/envoy/config/accesslog/v3/accesslog_pb.js'
import { StdoutAccessLogSchema } from '../../common/proto/envoy/extensions/access_loggers/stream/v3/stream_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import { pack } from './messages.js'

/** Keys as Istio's users know them. */
const FIELDS = {
  start_time: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(:PATH)%',
  authority: '%REQ(:AUTHORITY)%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  duration: '%DURATION%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER%',
  downstream_peer_uri_san: '%DOWNSTREAM_PEER_URI_SAN%',
  request_id: '%REQ(X-REQUEST-ID)%',
}

/** Logs requests that ended with 500 or above, one JSON object a line on Envoy's standard output. */
export const ERROR_LOG: Given<typeof AccessLogSchema> = {
  name: 'envoy.access_loggers.stdout',
  filter: {
    filterSpecifier: {
      case: 'statusCodeFilter',
      value: {
        comparison: {
          op: ComparisonFilter_Op.GE,
          value: { defaultValue: 500, runtimeKey: 'mesh.access_log.min_status' },
        },
      },
    },
  },
  configType: {
    case: 'typedConfig',
    value: pack(StdoutAccessLogSchema, {
      accessLogFormat: {
        case: 'logFormat',
        value: { format: { case: 'jsonFormat', value: FIELDS } },
      },
    }),
  },
}
