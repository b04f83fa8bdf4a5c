import {
  type PermissionSchema,
  type PolicySchema,
  type PrincipalSchema,
  RBAC_Action,
  type RBACSchema,
} from '../../common/proto/envoy/config/rbac/v3/rbac_pb.js'
import {
  RBACPerRouteSchema,
  RBACSchema as RbacFilterSchema,
} from '../../common/proto/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { AccessRule, HttpAccess, Principal } from '../mesh/mesh.js'
import { exact, methodMatcher, prefix } from './match.js'
import { type Packed, pack } from './messages.js'
import { ALLOW_FILTER, DENY_FILTER } from './names.js'

/**
 * The rules of one port as settings of its routes: deny first, then allow. The filters themselves have none and let
 * everything pass, so that a change of rules is a route update and drains nothing.
 */
export function rbacPerRoute({ deny, allow }: HttpAccess): { readonly [filter: string]: Packed } {
  return {
    ...(deny.length === 0 ? {} : { [DENY_FILTER]: perRoute(RBAC_Action.DENY, deny) }),
    // Without policies an allow list refuses everybody, which is what an empty list means.
    ...(allow === undefined ? {} : { [ALLOW_FILTER]: perRoute(RBAC_Action.ALLOW, allow) }),
  }
}

/** The filter as it stands in the chain: without rules, so that everything passes. */
export function rbacFilter(statPrefix: string): Packed {
  return pack(RbacFilterSchema, { rulesStatPrefix: statPrefix, trackPerRuleStats: true })
}

function perRoute(action: RBAC_Action, rules: readonly AccessRule[]): Packed {
  const rulesStatPrefix = action === RBAC_Action.DENY ? 'mesh_deny_' : 'mesh_allow_'
  return pack(RBACPerRouteSchema, {
    rbac: { rules: buildRules(action, rules), rulesStatPrefix, trackPerRuleStats: true },
  })
}

function buildRules(action: RBAC_Action, rules: readonly AccessRule[]): Given<typeof RBACSchema> {
  return {
    action,
    policies: Object.fromEntries(rules.map((rule) => [rule.name, buildPolicy(rule)])),
  }
}

function buildPolicy({ principals, methods, paths }: AccessRule): Given<typeof PolicySchema> {
  const conditions = [
    ...(methods === undefined ? [] : [methodPermission(methods)]),
    ...(paths === undefined ? [] : [pathPermission(paths)]),
  ]
  return {
    permissions: [conditions.length === 0 ? ANY_PERMISSION : allOf(conditions)],
    principals: principals === undefined ? [ANY_PRINCIPAL] : principals.map(buildPrincipal),
  }
}

const ANY_PERMISSION: Given<typeof PermissionSchema> = { rule: { case: 'any', value: true } }

const ANY_PRINCIPAL: Given<typeof PrincipalSchema> = { identifier: { case: 'any', value: true } }

function buildPrincipal(principal: Principal): Given<typeof PrincipalSchema> {
  const principalName = principal.kind === 'exact' ? exact(principal.spiffeId) : prefix(principal.prefix)
  return { identifier: { case: 'authenticated', value: { principalName } } }
}

function methodPermission(methods: readonly string[]): Given<typeof PermissionSchema> {
  return { rule: { case: 'header', value: methodMatcher(methods) } }
}

function pathPermission(paths: NonNullable<AccessRule['paths']>): Given<typeof PermissionSchema> {
  const rules = paths.map(({ kind, value }): Given<typeof PermissionSchema> => {
    const path = kind === 'exact' ? exact(value) : prefix(value)
    return { rule: { case: 'urlPath', value: { rule: { case: 'path', value: path } } } }
  })
  return { rule: { case: 'orRules', value: { rules } } }
}

function allOf(rules: Given<typeof PermissionSchema>[]): Given<typeof PermissionSchema> {
  return { rule: { case: 'andRules', value: { rules } } }
}
