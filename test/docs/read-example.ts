import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { interpretService } from '../../agent/service-file.js'
import { agentSettings } from '../../agent/settings-schema.js'
import { validate } from '../../common/config/validate.js'
import { readYaml } from '../../common/config/yaml.js'
import { formatProblem } from '../../common/problem.js'
import { controlPlaneSettings } from '../../controlplane/settings-schema.js'

/** The built command. */
export const MESH = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

/** Who reads a file of `/etc/mesh`. */
const READERS: readonly (readonly [RegExp, (path: string, text: string) => readonly string[]])[] = [
  [/^\/etc\/mesh\/agent\.yaml$/, readOne(agentSettings)],
  [/^\/etc\/mesh\/controlplane\.yaml$/, readOne(controlPlaneSettings)],
  [/^\/etc\/mesh\/services\.d\/[^/]+\.yaml$/, readServiceFile],
  [/^\/etc\/mesh\/(?:mesh|routes|catalog)\.d\/[^/]+\.yaml$/, readDocuments],
]

/** The file that an example is, by the comment in its first line; undefined where there is none. */
export function exampleFile(text: string): string | undefined {
  return /^# (\/etc\/mesh\/\S+)$/m.exec(text.split('\n', 1)[0] ?? '')?.[1]
}

/** Reads an example as its daemon would. @returns what is wrong with it */
export function readExample(path: string, text: string): readonly string[] {
  const reader = READERS.find(([pattern]) => pattern.test(path))
  return reader === undefined ? [`no part of the mesh reads ${path}`] : reader[1](path, text)
}

function readOne(schema: z.ZodType): (path: string, text: string) => readonly string[] {
  return (path, text) => {
    const { documents, problems } = readYaml(path, text)
    if (problems.length > 0) return problems.map(formatProblem)
    const [document, ...more] = documents
    if (document === undefined || more.length > 0) return [`${path} holds ${documents.length} documents, not one`]
    return validate(document, schema).problems.map(formatProblem)
  }
}

/** A notice counts too: an example says everything. */
function readServiceFile(path: string, text: string): readonly string[] {
  const { documents, problems } = readYaml(path, text)
  return [...problems, ...documents.flatMap((document) => interpretService(document).problems)].map(formatProblem)
}

/** Documents of the control plane go through `mesh validate`, which says more than their schemas. */
function readDocuments(path: string, text: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'mesh-docs-'))
  try {
    const documents = join(directory, 'mesh.d')
    mkdirSync(documents)
    writeFileSync(join(documents, basename(path)), text)
    const { status, stdout, stderr } = spawnSync(process.execPath, [MESH, 'validate', documents], { encoding: 'utf8' })
    return status === 0 ? [] : [`${stdout}${stderr}`]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
