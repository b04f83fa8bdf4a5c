import type { ParsedDocument } from '../../common/config/documents.js'
import { suggest } from '../../common/config/suggest.js'
import { validate } from '../../common/config/validate.js'
import type { YamlDocument } from '../../common/config/yaml.js'
import type { Problem } from '../../common/problem.js'
import { checkDocument } from './check.js'
import { found } from './found.js'
import { DOCUMENT_SCHEMAS, KINDS_NOT_SUPPORTED, type MeshConfigDocument } from './schema/documents.js'

type Kind = keyof typeof DOCUMENT_SCHEMAS

/** Reads one document of any kind: its schema first, then what a schema cannot say. */
export function parseDocument(document: YamlDocument): ParsedDocument<MeshConfigDocument> {
  const { value } = document
  const wrong = notOurs(document)
  if (wrong !== undefined) return { identity: undefined, document: undefined, problems: [wrong] }
  const kind = (value as { kind: Kind }).kind
  const { located: valid, problems } = validate<MeshConfigDocument>(document, DOCUMENT_SCHEMAS[kind])
  const identity = identityOf(value as Readonly<Record<string, unknown>>, document)
  if (valid === undefined) return { identity, document: undefined, problems }
  const findings = checkDocument(valid.value, document)
  const faulty = findings.some(({ severity }) => severity === 'error')
  return { identity, document: faulty ? undefined : valid, problems: findings }
}

/**
 * What a document is about, from its raw text, so that a faulty one is known as well. Kinds that add up are told apart
 * by their place in the file.
 */
function identityOf(value: Readonly<Record<string, unknown>>, { location }: YamlDocument): string | undefined {
  const { kind, service, port } = value
  if (kind === 'mesh') return 'mesh'
  if (kind === 'authorization' || kind === 'host-policy') return `${kind} at line ${location.line}`
  if (typeof service !== 'string') return undefined
  return kind === 'route' && typeof port === 'string' ? `route ${service} ${port}` : `${String(kind)} ${service}`
}

/** What keeps a document from being one of the language at all. */
function notOurs(document: YamlDocument): Problem | undefined {
  const { value } = document
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return found(document, [], { code: 'MSH0211', message: 'a document is a map', hint: 'start with kind: …' })
  }
  const { kind, apiVersion, Kind } = value as { kind?: unknown; apiVersion?: unknown; Kind?: unknown }
  if (apiVersion !== undefined || Kind !== undefined) {
    const hint = `write a document of this language instead: kind: ${Object.keys(DOCUMENT_SCHEMAS).join(' | ')}`
    const tool = typeof apiVersion === 'string' && apiVersion.includes('istio') ? 'Istio' : 'another tool'
    return found(document, ['apiVersion'], { code: 'MSH0210', message: `this is a document for ${tool}`, hint })
  }
  if (kind === undefined) {
    const keys = Object.keys(value)
    const agents = keys.includes('service') && (keys.includes('port') || keys.includes('ports'))
    const hint = agents
      ? 'a service file of a host belongs into services.d on that host'
      : `write kind: ${Object.keys(DOCUMENT_SCHEMAS).join(' | ')}`
    return found(document, [], {
      code: (agents ? 'MSH0212' : 'MSH0208') as 'MSH0212' | 'MSH0208',
      message: 'the document has no kind',
      hint,
    })
  }
  return unknownKind(String(kind), document)
}

function unknownKind(kind: string, document: YamlDocument): Problem | undefined {
  if (Object.hasOwn(DOCUMENT_SCHEMAS, kind)) return undefined
  if ((KINDS_NOT_SUPPORTED as readonly string[]).includes(kind)) {
    return found(document, ['kind'], {
      code: 'MSH0202',
      message: `kind ${kind} is not supported yet`,
    })
  }
  const kinds = Object.keys(DOCUMENT_SCHEMAS)
  const meant = suggest(kind, kinds)
  const hint = meant === undefined ? `kinds are ${kinds.join(', ')}` : `did you mean \`${meant}\`?`
  return found(document, ['kind'], { code: 'MSH0209', message: `unknown kind \`${kind}\``, hint })
}
