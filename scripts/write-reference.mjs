/** Writes the pages that are made from the code: `docs/reference` and `docs/problems.md`. Needs a build before it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { referencePages } from '../dist/cli/reference-pages.js'
import { formatProblemsPage } from '../dist/common/config/codes.js'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))
mkdirSync(`${docs}reference`, { recursive: true })
for (const [name, text] of Object.entries(referencePages())) writeFileSync(`${docs}reference/${name}`, text)
writeFileSync(`${docs}problems.md`, formatProblemsPage())
