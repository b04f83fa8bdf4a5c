import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { CLIENTS_DIRECTORY } from '../lab/clients.js'
import { envoyOrSkip, TEST_ENVOYS } from '../lab/envoy.js'
import { meshFrom } from '../mesh/inputs.js'
import { EnvoyLab } from './lab.js'

const HOST = '127.0.6.9'

const HOSTS = `
web-1:
  address: ${HOST}
  services:
    web: { port: 8080 }
`

/** Answers, by the code of DNS, when a name is asked for in upper case: the address, or that it does not exist. */
const IN_UPPER_CASE: Readonly<Record<(typeof TEST_ENVOYS)[number], RegExp>> = {
  '1.40.0': /^0 127\.99\.\d+\.\d+ 1$/,
  '1.37.0': /^3 1$/,
}

for (const version of TEST_ENVOYS) {
  const can = IN_UPPER_CASE[version].test('3 1') ? 'does not find' : 'finds'
  test(`Envoy ${version} ${can} a name in upper case, and finds it as it was configured`, async (t) => {
    const binary = await envoyOrSkip(t, version)
    if (binary === undefined) return
    const lab = await EnvoyLab.start()
    try {
      await lab.startEnvoy('web-1', binary)
      await lab.serve(meshFrom(HOSTS, '', version))
      assert.match(await ask('web.mesh'), /^0 127\.99\.\d+\.\d+ 1$/)
      assert.match(await ask('WEB.mesh'), IN_UPPER_CASE[version])
    } finally {
      await lab.stop()
    }
  })
}

async function ask(name: string): Promise<string> {
  const words = [join(CLIENTS_DIRECTORY, 'node/ask.mjs'), HOST, '15053', name, '1', '1']
  return (await promisify(execFile)(process.execPath, words)).stdout.trim()
}
