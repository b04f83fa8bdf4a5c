import { stat } from 'node:fs/promises'
import type { z } from 'zod'
import { isMissing } from '../files.js'
import type { Location, Problem } from '../problem.js'
import { fileProblem, reasonOf, statOf } from './directory.js'
import type { DocumentPath } from './located.js'
import { type FileContent, readListed } from './read-file.js'
import { type Override, overlay, readVariables } from './settings-overlay.js'
import { validate } from './validate.js'
import { readYaml, type YamlDocument } from './yaml.js'

/** Settings of a daemon, or what is wrong with them. */
export interface LoadedSettings<T> {
  readonly settings: T | undefined
  readonly problems: readonly Problem[]
}

/**
 * Reads a settings file, one YAML document, with the environment over it and flags over that: `MESH_LISTEN` over-rides
 * `listen`, `MESH_ENVOY_PATH` over-rides `envoy.path`, and so does the flag `envoy.path=/usr/bin/envoy`. A file that
 * does not exist counts as empty.
 */
export async function loadSettings<S extends z.ZodObject>(
  schema: S,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  flags: readonly string[] = [],
): Promise<LoadedSettings<z.output<S>>> {
  const content = await readSettingsFile(file)
  if ('problem' in content) return { settings: undefined, problems: [content.problem] }
  const { documents, problems } = readYaml(file, content.text)
  if (problems.length > 0) return { settings: undefined, problems }
  if (documents.length > 1) return { settings: undefined, problems: [tooMany(file, documents)] }
  const overrides = readVariables(schema, environment, flags)
  const document = withOverrides(documents[0] ?? emptyDocument(file), overrides)
  const validated = validate<z.output<S>>(document, schema as unknown as z.ZodType<z.output<S>>)
  return { settings: validated.located?.value, problems: validated.problems }
}

async function readSettingsFile(file: string): Promise<FileContent> {
  try {
    const found = statOf(await stat(file, { bigint: true }))
    const content = await readListed({ path: file, shown: file, stat: found })
    return content ?? { problem: fileProblem(file, 'MSH0101', 'changed while it was read; try again') }
  } catch (error) {
    if (isMissing(error)) return { text: '' }
    return { problem: fileProblem(file, 'MSH0101', `cannot be read: ${reasonOf(error)}`) }
  }
}

function emptyDocument(file: string): YamlDocument {
  const location = { file, line: 1, column: 1 }
  return { value: {}, text: '', line: 1, location, locate: () => location, sourceAt: () => undefined }
}

function tooMany(file: string, documents: readonly YamlDocument[]): Problem {
  const place = documents[1]?.location ?? { file, line: 1, column: 1 }
  return { ...place, code: 'MSH0211', severity: 'error', path: '', message: 'a settings file holds one document' }
}

/** The document with values from elsewhere over its own; what is wrong with one of those is told with its name. */
function withOverrides(document: YamlDocument, overrides: readonly Override[]): YamlDocument {
  const locate = (path: DocumentPath): Location => {
    const override = overrides.findLast((one) => one.path.every((part, index) => path[index] === part))
    return override === undefined ? document.locate(path) : { file: override.name, line: 1, column: 1 }
  }
  return { ...document, value: overlay(document.value, overrides), locate }
}
