import type { RouteSchema } from '../../common/proto/envoy/config/route/v3/route_components_pb.js'
import type { Given } from '../../common/protobuf/encode.js'

/**
 * Refuses paths with an escaped slash or backslash, which programs read in different ways: `/x/..%2fadmin` is `/admin` for
 * some. It stands first where a rule judges paths.
 *
 * The connection manager has a setting for that. But it belongs to the listener: the first rule with a path would then
 * end all open connections of its service.
 */
export const ESCAPED_SLASHES: Given<typeof RouteSchema> = {
  name: 'escaped-slashes',
  match: { pathSpecifier: { case: 'safeRegex', value: { regex: '.*%(?:2[fF]|5[cC]).*' } } },
  action: {
    case: 'directResponse',
    value: { status: 400, body: { specifier: { case: 'inlineString', value: 'escaped slashes are refused\n' } } },
  },
}
