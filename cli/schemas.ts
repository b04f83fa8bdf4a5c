import type { z } from 'zod'
import { serviceFile } from '../agent/services-schema.js'
import { agentSettings } from '../agent/settings-schema.js'
import { anyKindOf, type JsonSchema, toJsonSchema } from '../common/config/json-schema.js'
import { DOCUMENT_SCHEMAS } from '../controlplane/config/schema/documents.js'
import { controlPlaneSettings } from '../controlplane/settings-schema.js'

/** Something that people write, with the schema by which it is read. */
export interface WrittenKind {
  /** As `mesh config schema` takes it. */
  readonly name: string
  /** What it is for, in one sentence. */
  readonly about: string
  /** Where it lies unless settings say otherwise. */
  readonly place: string
  readonly schema: z.ZodObject
}

const ABOUT: Readonly<Record<string, string>> = {
  authorization:
    'Who may call a service. Documents of one service add up; deny comes before allow. At least one of them is there.',
  catalog: 'Instances that no agent reports, written on the control plane.',
  'host-policy': 'Which hosts may run which services, beside what their join tokens granted. All of them add up.',
  mesh: 'What holds for the whole mesh. There is at most one.',
  route: 'What happens to a request for a service. The first rule that matches wins.',
  service: 'How a service is reached, whoever calls it.',
}

const DOCUMENTS: readonly WrittenKind[] = Object.entries(DOCUMENT_SCHEMAS).map(([name, schema]) => ({
  name,
  about: ABOUT[name] ?? `Documents of \`kind: ${name}\`.`,
  place: name === 'catalog' ? '/etc/mesh/catalog.d' : '/etc/mesh/mesh.d, /etc/mesh/routes.d',
  schema,
}))

/** Everything that people write, in the order in which it is listed. */
export const WRITTEN_KINDS: readonly WrittenKind[] = [
  ...DOCUMENTS,
  { name: 'service-file', about: 'A service of a host.', place: '/etc/mesh/services.d', schema: serviceFile },
  { name: 'agent', about: 'The settings of a host.', place: '/etc/mesh/agent.yaml', schema: agentSettings },
  {
    name: 'controlplane',
    about: 'The settings of a control plane.',
    place: '/etc/mesh/controlplane.yaml',
    schema: controlPlaneSettings,
  },
]

/** The name of the schema that holds for a document of any kind. */
export const ANY_DOCUMENT = 'document'

/** The JSON Schemas by name: one for each kind, and one for files in which any kind may stand. */
export function jsonSchemas(): Readonly<Record<string, JsonSchema>> {
  const all = Object.fromEntries(WRITTEN_KINDS.map(({ name, about, schema }) => [name, toJsonSchema(schema, about)]))
  const documents = Object.fromEntries(DOCUMENTS.map(({ name }) => [name, all[name] ?? {}]))
  return { [ANY_DOCUMENT]: anyKindOf(documents, 'A document of any kind.'), ...all }
}
