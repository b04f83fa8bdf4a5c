import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildCsr } from '../../common/x509/csr.js'
import { generateKeyPair } from '../../common/x509/keys.js'
import { readPeerCertificate } from '../../common/x509/read.js'
import { type PresentedCertificate, refusalOf } from '../../controlplane/ca/admission.js'
import { type Authority, initAuthority, loadAuthority } from '../../controlplane/ca/authority.js'
import { hostsState } from '../../controlplane/ca/host-record.js'
import { HostRegistry } from '../../controlplane/ca/hosts.js'
import { issueLeaf } from '../../controlplane/ca/issue.js'
import { issueIntermediate, renewIntermediate } from '../../controlplane/ca/issue-intermediate.js'
import { StateFile } from '../../controlplane/state-file.js'
import { keepingLog, NOW, TRUST_DOMAIN, temporaryDirectory } from './fixtures.js'

const HOST = 'web-1'
const LATER = NOW + 3_600_000

/** Two control planes of one mesh, and what cp-2 says to certificates. */
async function twoPlanes(t: TestContext) {
  const parent = await temporaryDirectory(t)
  const rootDirectory = join(parent, 'ca')
  const first = await initAuthority(rootDirectory, { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1', now: NOW })
  const secondDirectory = join(parent, 'cp-2-ca')
  await issueIntermediate(secondDirectory, { controlPlaneId: 'cp-2', rootDirectory, now: NOW })
  const second = await loadAuthority(secondDirectory, NOW)
  const { log } = keepingLog()
  const hosts = new HostRegistry(await StateFile.open(join(parent, 'hosts.json'), hostsState, { hosts: [] }), log)
  const renewSecond = async () => {
    await renewIntermediate(secondDirectory, { controlPlaneId: 'cp-2', rootDirectory, now: NOW })
    return loadAuthority(secondDirectory, NOW)
  }
  const asked = (certificate: PresentedCertificate, named = true, authority: Authority = second) =>
    refusalOf(HOST, certificate, { hosts, authority, named: () => named }) ?? 'let in'
  return { first, second, hosts, asked, renewSecond }
}

function issued(authority: Authority, now: number): PresentedCertificate {
  const identity = { kind: 'host', trustDomain: TRUST_DOMAIN, name: HOST } as const
  const { chainPem } = issueLeaf(authority, { csrPem: buildCsr(generateKeyPair()), identity, now }, keepingLog().log)
  const [, base64 = ''] = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END/.exec(chainPem) ?? []
  return readPeerCertificate(Buffer.from(base64, 'base64'))
}

test('a host that joined at another control plane is let in where a host-policy names it, and not elsewhere', async (t) => {
  const { first, asked } = await twoPlanes(t)
  const certificate = issued(first, NOW)
  assert.equal(asked(certificate), 'let in')
  assert.match(asked(certificate, false), /no host-policy here names it/)
})

test('what this control plane issued counts only while it is on record, whatever a host-policy says', async (t) => {
  const { second, hosts, asked, renewSecond } = await twoPlanes(t)
  const certificate = issued(second, NOW)
  assert.match(asked(certificate), /none of host web-1 as it is enrolled/)
  await hosts.recordIssued(HOST, [{ serial: certificate.serial, identity: '', notAfter: LATER }], NOW)
  assert.equal(asked(certificate, false), 'let in')
  await hosts.evict(HOST, NOW)
  const renewed = await renewSecond()
  assert.match(asked(certificate, true, renewed), /none of host web-1 as it is enrolled/)
})

test('who is banned or evicted here stays out, however new the certificate of another control plane is', async (t) => {
  const { first, hosts, asked } = await twoPlanes(t)
  await hosts.ban(HOST, 'stolen', LATER)
  assert.match(asked(issued(first, LATER)), /is banned/)
  await hosts.evict(HOST, LATER)
  assert.match(asked(issued(first, LATER)), /was evicted here; "mesh host web-1 admit"/)
  await hosts.admit(HOST)
  assert.equal(asked(issued(first, LATER)), 'let in')
  assert.match(asked(issued(first, NOW)), /before it joined here or was evicted/)
})

test('a host that joined here brings what another control plane renewed since, and nothing from before', async (t) => {
  const { first, hosts, asked } = await twoPlanes(t)
  await hosts.enrol({ host: HOST, services: [], keyHash: 'k1', now: LATER })
  assert.match(asked(issued(first, NOW)), /before it joined here/)
  assert.equal(asked(issued(first, LATER)), 'let in')
})
