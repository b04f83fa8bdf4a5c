import { Memo } from '../common/memo/memo.js'
import type { Steps } from '../common/memo/steps.js'
import { compareProblems, type Problem } from '../common/problem.js'
import type { Publication } from '../common/xds/resource.js'
import type { Catalog } from './catalog/catalog.js'
import { CatalogMemo, catalogSteps, type MergeInput } from './catalog/merge.js'
import type { Config } from './config/config.js'
import { resourceSteps } from './envoy/build.js'
import { ResourceMemo } from './envoy/memo.js'
import type { ResourceSettings } from './envoy/recipes.js'
import { MeshMemo, meshSteps } from './mesh/build.js'
import type { Mesh } from './mesh/mesh.js'
import type { MeshSettings } from './mesh/settings.js'
import { allocateOffsets, type Offsets } from './mesh/virtual-address.js'

/** All that a build depends on, as of one moment. */
export interface BuildInput extends Omit<MergeInput, 'files'> {
  readonly config: Config
  /** Before this build. */
  readonly offsets: Offsets
  readonly mesh: MeshSettings
  readonly resources: ResourceSettings
}

/** What one build makes. */
export interface Built {
  readonly catalog: Catalog
  /** The same object as before this build when no service came or went. */
  readonly offsets: Offsets
  readonly mesh: Mesh
  readonly publication: Publication
  /** Of the catalog and of the references between documents. */
  readonly problems: readonly Problem[]
  /** When time alone may change the result, wall-clock milliseconds; undefined: never. */
  readonly nextChange: number | undefined
}

/** What one build leaves for the next; with a new one everything is made anew. */
export class BuildMemo {
  readonly catalog = new CatalogMemo()
  readonly mesh = new MeshMemo()
  readonly resources = new ResourceMemo()
  readonly problems = new Memo<readonly Problem[]>()
}

/**
 * Builds what is served: catalog, mesh, Envoy resources, each a pure function of the one before. With the memo of the last
 * build it costs as much as what has changed since; the result is the same as with a new one, and what is equal to the
 * last result is the same object.
 */
export function* buildSteps(input: BuildInput, memo: BuildMemo): Steps<Built> {
  const { config, now } = input
  const merged = yield* catalogSteps({ ...input, files: config.catalogs }, memo.catalog)
  const { catalog, nextChange } = merged
  const offsets = allocateOffsets(input.offsets, [...catalog.instances.keys()], now)
  const { mesh, problems } = yield* meshSteps({ catalog, config, offsets, settings: input.mesh }, memo.mesh)
  const publication = yield* resourceSteps(mesh, input.resources, memo.resources)
  return {
    catalog,
    offsets,
    mesh,
    publication,
    problems: memo.problems.get([merged.problems, problems], () =>
      [...merged.problems, ...problems].sort(compareProblems),
    ),
    nextChange,
  }
}
