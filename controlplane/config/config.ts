import type { Located } from '../../common/config/located.js'
import type { AuthorizationDocument } from './schema/authorization.js'
import type { CatalogDocument } from './schema/catalog.js'
import type { HostPolicyDocument } from './schema/host-policy.js'
import type { MeshDocument } from './schema/mesh.js'
import type { RouteDocument } from './schema/route.js'
import type { ServiceDocument } from './schema/service.js'

/**
 * What the operators asked for: every accepted document, each in its newest good version, sorted by its identity.
 * What did not change between two reads is the same object in both: a document, and each map and list of documents.
 */
export interface Config {
  readonly mesh: Located<MeshDocument> | undefined
  /** By service. */
  readonly services: ReadonlyMap<string, Located<ServiceDocument>>
  /** By service, and then by port; the route for all ports of a service stands under the empty text. */
  readonly routes: ReadonlyMap<string, ReadonlyMap<string, Located<RouteDocument>>>
  /** Several may name one service; in the order of files and lines. */
  readonly authorizations: readonly Located<AuthorizationDocument>[]
  readonly hostPolicies: readonly Located<HostPolicyDocument>[]
  /** By service. */
  readonly catalogs: ReadonlyMap<string, Located<CatalogDocument>>
}
