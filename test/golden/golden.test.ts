import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { buildResources, requireEqualResources } from '../../controlplane/envoy/build.js'
import { ResourceMemo } from '../../controlplane/envoy/memo.js'
import { readCases } from './case.js'
import { printResources } from './golden-file.js'

/** Instead of the roots of a CA, so that what is expected does not change with every run. */
const TRUST = { trustBundlePem: 'the roots of the mesh' }

const { UPDATE_GOLDEN } = process.env

for (const { name, output, mesh, problems } of await readCases()) {
  test(name.replaceAll('-', ' '), async () => {
    const publication = buildResources(mesh, TRUST, new ResourceMemo())
    const printed = printResources(publication, problems)
    if (UPDATE_GOLDEN === '1') await writeFile(output, printed)
    const expected = await readFile(output, 'utf8').catch(() => '')
    assert.equal(printed, expected, `${output} differs; UPDATE_GOLDEN=1 npm test rewrites it`)
    requireEqualResources(buildResources(mesh, TRUST, new ResourceMemo()), publication)
  })
}
