import type { AcceptedDocument } from '../../common/config/documents.js'
import type { Located } from '../../common/config/located.js'
import type { Problem } from '../../common/problem.js'
import type { Config } from './config.js'
import { found } from './found.js'
import type { MeshConfigDocument } from './schema/documents.js'
import type { RouteDocument } from './schema/route.js'

type Accepted = AcceptedDocument<MeshConfigDocument>

/** Kinds whose documents add up instead of excluding each other. */
const ADDING_UP: ReadonlySet<string> = new Set(['authorization', 'host-policy'])

/** The configuration, with the documents that were left out because another one is about the same. */
export interface Assembled {
  readonly config: Config
  readonly problems: readonly Problem[]
  /** In which file each object stands, by identity: it stays there while that file has it. */
  readonly owners: ReadonlyMap<string, string>
}

/**
 * Puts accepted documents together. Of two about the same object the one that was there before stays, at a cold start
 * the lexically first; the other is an error that names both places.
 *
 * @param owners of the assembly before
 */
export function assembleConfig(accepted: readonly Accepted[], owners: ReadonlyMap<string, string>): Assembled {
  const chosen = new Map<string, Accepted>()
  const problems: Problem[] = []
  const unique = accepted.filter(({ document }) => !ADDING_UP.has(document.value.kind))
  for (const one of unique) {
    const other = chosen.get(one.identity)
    const keeps = other !== undefined && owners.get(one.identity) !== one.document.location.file
    if (!keeps) chosen.set(one.identity, one)
    if (other !== undefined) problems.push(duplicate(keeps ? one : other, keeps ? other : one))
  }
  const documents = [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { document }]) => document)
  const all = accepted.map(({ document }) => document)
  const [mesh] = ofKind(documents, 'mesh')
  return {
    config: {
      mesh,
      services: byService(ofKind(documents, 'service')),
      routes: routesByService(ofKind(documents, 'route')),
      authorizations: ofKind(all, 'authorization'),
      hostPolicies: ofKind(all, 'host-policy'),
      catalogs: byService(ofKind(documents, 'catalog')),
    },
    problems,
    owners: new Map([...chosen].map(([identity, { document }]) => [identity, document.location.file])),
  }
}

function duplicate(left: Accepted, kept: Accepted): Problem {
  const { file, line } = kept.document.location
  const message = `${left.identity} stands in ${file}:${line} already; that one counts`
  return found(left.document, [], { code: 'MSH0250', message, hint: 'merge the two or remove one' })
}

function ofKind<K extends MeshConfigDocument['kind']>(
  documents: readonly Located<MeshConfigDocument>[],
  kind: K,
): readonly Located<Extract<MeshConfigDocument, { kind: K }>>[] {
  return documents.filter(({ value }) => value.kind === kind) as unknown as readonly Located<
    Extract<MeshConfigDocument, { kind: K }>
  >[]
}

function byService<T extends { readonly service: string }>(documents: readonly Located<T>[]) {
  return new Map(documents.map((document) => [document.value.service, document]))
}

function routesByService(documents: readonly Located<RouteDocument>[]): Config['routes'] {
  const routes = new Map<string, Map<string, Located<RouteDocument>>>()
  for (const document of documents) {
    const { service, port = '' } = document.value
    const byPort = routes.get(service) ?? new Map<string, Located<RouteDocument>>()
    routes.set(service, byPort.set(port, document))
  }
  return routes
}
