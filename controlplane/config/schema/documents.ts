import { type AuthorizationDocument, authorizationDocument } from './authorization.js'
import { type CatalogDocument, catalogDocument } from './catalog.js'
import { type HostPolicyDocument, hostPolicyDocument } from './host-policy.js'
import { type MeshDocument, meshDocument } from './mesh.js'
import { type RouteDocument, routeDocument } from './route.js'
import { type ServiceDocument, serviceDocument } from './service.js'

/** Every document that this version reads on the control plane, told apart by `kind`. */
export type MeshConfigDocument =
  | AuthorizationDocument
  | CatalogDocument
  | HostPolicyDocument
  | MeshDocument
  | RouteDocument
  | ServiceDocument

/** The schema of each kind. */
export const DOCUMENT_SCHEMAS = {
  authorization: authorizationDocument,
  catalog: catalogDocument,
  'host-policy': hostPolicyDocument,
  mesh: meshDocument,
  route: routeDocument,
  service: serviceDocument,
} as const

/** Kinds that the language has and this version does not. */
export const KINDS_NOT_SUPPORTED = ['gateway', 'extension', 'patch'] as const
