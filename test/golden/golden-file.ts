import { stringify } from 'yaml'
import type { Publication } from '../../common/xds/resource.js'
import { TYPE_NAMES } from '../../common/xds/types.js'
import { printResource } from '../../controlplane/envoy/print.js'

/** All resources in proto3 JSON written as YAML: by layer, type and name. */
export function printResources(publication: Publication, problems: readonly string[]): string {
  const layers = [...publication.layers].map(([layer, set]) => [
    layer,
    Object.fromEntries(
      [...set].map(([type, resources]) => [TYPE_NAMES.get(type) ?? type, [...resources.values()].map(printResource)]),
    ),
  ])
  return stringify({ problems, layers: Object.fromEntries(layers) }, { lineWidth: 120, aliasDuplicateObjects: false })
}
