import { DocumentReader, type Unheeded } from '../../common/config/document-reader.js'
import type { FileSet } from '../../common/config/file-set.js'
import type { LastGood } from '../../common/config/last-good.js'
import type { Located } from '../../common/config/located.js'
import { share } from '../../common/memo/share.js'
import type { Problem } from '../../common/problem.js'
import type { Config } from './config.js'
import { found } from './found.js'
import { addsUp, interpretDocument } from './interpret.js'
import type { MeshConfigDocument } from './schema/documents.js'
import type { RouteDocument } from './schema/route.js'

/** The configuration as it was last read. */
export interface LoadedConfig {
  readonly config: Config
  /** Sorted by file and line. */
  readonly problems: readonly Problem[]
  /** Wall-clock milliseconds. */
  readonly loadedAt: number
  /** How many files were read, and how many documents are in effect. */
  readonly files: number
  readonly documents: number
}

/** What comes of reading once. */
export interface Loading {
  readonly loaded: LoadedConfig
  readonly lastGood: LastGood
  readonly unheeded: readonly Unheeded[]
}

/** Turns files into the configuration, over and over; keeps in effect what was good where something is invalid now. */
export class ConfigLoader {
  readonly #reader: DocumentReader<MeshConfigDocument>
  #config: Config | undefined

  /** @param lastGood what was in effect before this process started */
  constructor(lastGood: LastGood = new Map()) {
    this.#reader = new DocumentReader({ interpret: interpretDocument, addsUp, duplicate }, lastGood)
  }

  /** @param now wall-clock milliseconds */
  load(files: FileSet, now: number): Loading {
    const { documents, problems, lastGood, unheeded } = this.#reader.read(files, now)
    const counts = { files: files.files.length, documents: documents.length }
    this.#config = share(this.#config, configOf(documents))
    return { loaded: { config: this.#config, problems, loadedAt: now, ...counts }, lastGood, unheeded }
  }
}

function duplicate(refused: Located<MeshConfigDocument>, kept: Located<MeshConfigDocument>, identity: string): Problem {
  const { file, line } = kept.location
  const message = `${identity} stands in ${file}:${line} already; that one is in effect`
  return found(refused, [], { code: 'MSH0250', message, hint: 'merge the two or remove one' })
}

function configOf(documents: readonly Located<MeshConfigDocument>[]): Config {
  return {
    mesh: ofKind(documents, 'mesh')[0],
    services: byService(ofKind(documents, 'service')),
    routes: routesByService(ofKind(documents, 'route')),
    authorizations: ofKind(documents, 'authorization'),
    hostPolicies: ofKind(documents, 'host-policy'),
    catalogs: byService(ofKind(documents, 'catalog')),
  }
}

type OfKind<K extends MeshConfigDocument['kind']> = Located<Extract<MeshConfigDocument, { kind: K }>>

function ofKind<K extends MeshConfigDocument['kind']>(
  documents: readonly Located<MeshConfigDocument>[],
  kind: K,
): readonly OfKind<K>[] {
  return documents.filter((document): document is OfKind<K> => document.value.kind === kind)
}

function byService<T extends { readonly service: string }>(documents: readonly Located<T>[]): Map<string, Located<T>> {
  return new Map(sorted(documents, ({ service }) => service).map((document) => [document.value.service, document]))
}

function routesByService(documents: readonly Located<RouteDocument>[]): Config['routes'] {
  const routes = new Map<string, Map<string, Located<RouteDocument>>>()
  for (const document of sorted(documents, ({ service, port = '' }) => `${service} ${port}`)) {
    const { service, port = '' } = document.value
    const byPort = routes.get(service) ?? new Map<string, Located<RouteDocument>>()
    routes.set(service, byPort.set(port, document))
  }
  return routes
}

function sorted<T>(documents: readonly Located<T>[], nameOf: (value: T) => string): readonly Located<T>[] {
  return documents.toSorted((a, b) => (nameOf(a.value) < nameOf(b.value) ? -1 : 1))
}
