import type { Interpreted } from '../../common/config/document-reader.js'
import { foreignDocument } from '../../common/config/foreign.js'
import { suggest } from '../../common/config/suggest.js'
import { validate } from '../../common/config/validate.js'
import type { YamlDocument } from '../../common/config/yaml.js'
import type { Problem } from '../../common/problem.js'
import { checkDocument } from './check.js'
import { found } from './found.js'
import { DOCUMENT_SCHEMAS, KINDS_NOT_SUPPORTED, type MeshConfigDocument } from './schema/documents.js'

type Kind = keyof typeof DOCUMENT_SCHEMAS
type RawDocument = Readonly<Record<string, unknown>>

const KINDS = Object.keys(DOCUMENT_SCHEMAS)

/** Reads one document of any kind: whose it is, then its schema, then what a schema cannot say. */
export function interpretDocument(document: YamlDocument): Interpreted<MeshConfigDocument> {
  const { value } = document
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const hint = looksLikeAssignment(value)
      ? 'this looks like HCL or TOML; write kind: … in YAML'
      : 'start with kind: …'
    return refused(found(document, [], { code: 'MSH0211', message: 'a document is a map', hint }))
  }
  const raw = value as RawDocument
  const foreign = foreignDocument(raw, document)
  if (foreign !== undefined) return refused(foreign)
  const { kind, problem } = judgeKind(raw, document)
  const identity = identityOf(kind, raw)
  if (problem !== undefined) return { identity, document: undefined, problems: [problem] }
  const { located, problems } = validate<MeshConfigDocument>(document, DOCUMENT_SCHEMAS[kind as Kind])
  if (located === undefined) return { identity, document: undefined, problems }
  const findings = checkDocument(located.value, document)
  const invalid = findings.some(({ severity }) => severity === 'error')
  return { identity, document: invalid ? undefined : located, problems: findings }
}

/** Whether text reads `Kind = "service-router"`. */
function looksLikeAssignment(value: unknown): boolean {
  return typeof value === 'string' && /^[\w.]+\s*=/.test(value)
}

function refused(problem: Problem): Interpreted<MeshConfigDocument> {
  return { identity: undefined, document: undefined, problems: [problem] }
}

/** Whether all documents of this identity are in effect together. */
export function addsUp(identity: string): boolean {
  return identity === 'host-policy' || identity.startsWith('authorization')
}

/** What a document is about, from its raw values, so that an invalid one is known as well. */
function identityOf(kind: string | undefined, { service, services, port }: RawDocument): string | undefined {
  if (kind === 'mesh' || kind === 'host-policy') return kind
  const subject = typeof service === 'string' ? service : Array.isArray(services) ? services.join(',') : undefined
  if (kind === undefined || subject === undefined) return undefined
  const named = kind === 'route' && typeof port === 'string' ? ` ${port}` : ''
  return `${kind} ${subject}${named}`
}

interface Judgement {
  /** The kind of the document, or the one that was meant by a misspelt one. */
  readonly kind?: string | undefined
  readonly problem?: Problem
}

function judgeKind({ kind, ...rest }: RawDocument, document: YamlDocument): Judgement {
  if (kind === undefined && 'service' in rest && ('port' in rest || 'ports' in rest)) {
    const message = 'a service file belongs on the host that runs the service'
    const hint = 'move it to /etc/mesh/services.d there'
    return { problem: found(document, [], { code: 'MSH0212', message, hint }) }
  }
  if (kind === undefined) {
    const hint = `write kind: ${KINDS.join(', ')}`
    return { problem: found(document, [], { code: 'MSH0208', message: 'the document has no `kind`', hint }) }
  }
  if (kind === null) {
    const hint = `write kind: ${KINDS.join(', ')}`
    return { problem: found(document, ['kind'], { code: 'MSH0208', message: '`kind` has no value', hint }) }
  }
  const name = typeof kind === 'string' ? kind : JSON.stringify(kind).slice(0, 60)
  return Object.hasOwn(DOCUMENT_SCHEMAS, name) ? { kind: name } : judgeUnknown(name, document)
}

function judgeUnknown(name: string, document: YamlDocument): Judgement {
  if (KINDS_NOT_SUPPORTED.some((other) => other === name)) {
    const hint = 'remove the document: nothing of it would be in effect'
    const message = `kind ${name} is not supported yet`
    return { problem: found(document, ['kind'], { code: 'MSH0202', message, hint }) }
  }
  const kind = suggest(name, [...KINDS, ...KINDS_NOT_SUPPORTED])
  const hint = kind === undefined ? `kinds are ${KINDS.join(', ')}` : `did you mean ${kind}?`
  return { kind, problem: found(document, ['kind'], { code: 'MSH0209', message: `unknown kind ${name}`, hint }) }
}
