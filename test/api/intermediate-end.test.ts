import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { call, recover } from '../../agent/control-plane/calls.js'
import { buildRecovery } from '../../agent/identity/recovery.js'
import { validityOf } from '../../agent/identity/store.js'
import type { StatusView, TokenView } from '../../common/admin-api.js'
import { Latest } from '../../common/latest.js'
import { buildCsr } from '../../common/x509/csr.js'
import { generateKeyPair } from '../../common/x509/keys.js'
import { initAuthority, loadAuthority } from '../../controlplane/ca/authority.js'
import { AuthorityError } from '../../controlplane/ca/authority-error.js'
import { viewAuthorityExpiry } from '../../controlplane/ca/authority-expiry.js'
import { INTERMEDIATE_LIFE_MS } from '../../controlplane/ca/ca-certificate.js'
import { renewIntermediate } from '../../controlplane/ca/issue-intermediate.js'
import { issueOwnCertificate, renewOwnCertificate } from '../../controlplane/certificate.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane, temporaryDirectory } from './control-plane.js'
import { TRUST_DOMAIN, watchedLog } from './watched-log.js'

/** When a CA has to be made for its intermediate to end that many milliseconds from now. */
function madeForEndIn(ms: number): number {
  return Date.now() - INTERMEDIATE_LIFE_MS + 120_000 + ms
}

suite('an intermediate that ends', { concurrency: true }, () => {
  test('is told of in time: 30 days before as a notice, from 7 days before on as an error', async (t) => {
    const { authority } = await startControlPlane(t)
    const end = authority.intermediate.certificate.notAfter
    const day = 86_400_000
    const severities = [31, 30, 8, 7, 0.1, 0].map((days) =>
      viewAuthorityExpiry(authority, end - days * day).map(({ severity }) => severity),
    )
    assert.deepEqual(severities, [[], ['notice'], ['notice'], ['error'], ['error'], ['error']])
    assert.match(viewAuthorityExpiry(authority, end)[0]?.message ?? '', /expired at .*: nothing is issued/)
    const root = authority.root.certificate.notAfter
    assert.deepEqual(
      viewAuthorityExpiry(authority, root - 100 * day).map(({ place }) => place),
      ['ca/intermediate.pem', 'ca/root.pem'],
    )
  })

  test('ends no control plane that runs: it issues nothing, says why, and is mended by one command', async (t) => {
    const controlPlane = await startControlPlane(t, { authorityMadeAt: madeForEndIn(15_000) })
    const end = controlPlane.authority.intermediate.certificate.notAfter
    const credentials = await joinHost(t, controlPlane, 'web-1')
    assert.equal(validityOf(credentials.chainPem).notAfter, end)
    const problems = async () => (await controlPlane.ask<StatusView>('GET', '/v1/status')).problems
    assert.match((await problems())[0]?.message ?? '', /^the intermediate certificate expires at /)
    assert.ok(controlPlane.lines.some(({ level, message }) => level === 'error' && /expires at/.test(message)))
    await eventually(async () => assert.ok(Date.now() > end), 30_000)
    await assert.rejects(joinHost(t, controlPlane, 'web-2'))
    const tokens = await controlPlane.ask<readonly TokenView[]>('GET', '/v1/tokens')
    assert.equal(tokens.find(({ host }) => host === 'web-2')?.used, 0)
    const [problem] = await problems()
    assert.match(problem?.message ?? '', /^the intermediate certificate expired at /)
    assert.match(problem?.hint ?? '', /mesh ca issue --renew/)
    await controlPlane.stop()
    await assert.rejects(
      loadAuthority(join(controlPlane.directory, 'ca')),
      (error) =>
        error instanceof AuthorityError && error.reason === 'expired' && /mesh ca issue --renew/.test(error.message),
    )
    const ca = join(controlPlane.directory, 'ca')
    await renewIntermediate(ca, { controlPlaneId: 'cp-1', rootDirectory: ca })
    const mended = await startControlPlane(t, { directory: controlPlane.directory })
    // What the old intermediate signed has expired with it; the host recovers by it all the same.
    const request = buildRecovery(credentials, buildCsr(generateKeyPair()))
    const { certificate } = await call(connectAs(t, mended, undefined), recover, request)
    assert.equal(certificate?.spiffeId, `spiffe://${TRUST_DOMAIN}/host/web-1`)
  })

  test("is followed by the control plane's own certificate without a storm of renewals", async (t) => {
    const ca = join(await temporaryDirectory(t), 'ca')
    const names = { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1' }
    const authority = await initAuthority(ca, { ...names, now: madeForEndIn(6_000) })
    const { log, lines } = watchedLog()
    const ttl = 72 * 3_600_000
    const current = new Latest(issueOwnCertificate(authority, 'cp-1', ttl, log))
    const stopping = new AbortController()
    const renewing = renewOwnCertificate(authority, 'cp-1', ttl, current, log)(stopping.signal)
    await eventually(async () => assert.ok(lines.some(({ level }) => level === 'error')), 30_000)
    stopping.abort()
    await renewing
    const renewed = lines.filter(({ fields }) => fields['decision'] === 'granted').length
    assert.ok(renewed > 2 && renewed < 40, `${renewed} certificates`)
    assert.equal(current.value.notAfter, authority.intermediate.certificate.notAfter)
  })
})
