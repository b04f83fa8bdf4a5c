/**
 * Removes what was built from files that are gone, so that a test that was removed is not run, marks the built command as
 * executable, so that `npm link` and packages can run it as `mesh`, and writes the JSON Schemas that the examples name.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const dist = `${root}dist/`
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const built = /^(.*)\.js(?:\.map)?$/.exec(name)
  if (built !== null && !existsSync(`${root}${built[1]}.ts`)) rmSync(`${dist}${name}`)
}
chmodSync(`${dist}cli/main.js`, 0o755)

const { jsonSchemas } = await import('../dist/cli/schemas.js')
mkdirSync(`${dist}schemas`, { recursive: true })
for (const [name, schema] of Object.entries(jsonSchemas()))
  writeFileSync(`${dist}schemas/${name}.json`, `${JSON.stringify(schema, null, 2)}\n`)
