import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { formatProblemsPage } from '../../common/config/codes.js'

const PAGE = fileURLToPath(new URL('../../../docs/problems.md', import.meta.url))

test('the page of problem codes says what the table says (UPDATE_GOLDEN=1 writes it)', async () => {
  const { UPDATE_GOLDEN } = process.env
  if (UPDATE_GOLDEN === '1') await writeFile(PAGE, formatProblemsPage())
  assert.equal(await readFile(PAGE, 'utf8').catch(() => ''), formatProblemsPage())
})
