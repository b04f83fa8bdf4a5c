/**
 * Marks the built command as executable, so that `npm link` and packages can run it as `mesh`, and writes the JSON
 * Schemas that the examples name.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
chmodSync(`${dist}cli/main.js`, 0o755)

const { jsonSchemas } = await import('../dist/cli/schemas.js')
mkdirSync(`${dist}schemas`, { recursive: true })
for (const [name, schema] of Object.entries(jsonSchemas()))
  writeFileSync(`${dist}schemas/${name}.json`, `${JSON.stringify(schema, null, 2)}\n`)
