import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { create } from '@bufbuild/protobuf'
import type { Client } from '@grpc/grpc-js'
import { call, issue } from '../../agent/control-plane/calls.js'
import { type HostCredentials, openChannel } from '../../agent/control-plane/channel.js'
import { joinMesh } from '../../agent/identity/join.js'
import { IdentityStore } from '../../agent/identity/store.js'
import type { Identity } from '../../common/identity.js'
import { parseToken } from '../../common/join-token.js'
import { CertificateRequestSchema, IssueRequestSchema, type IssueResult } from '../../common/proto/mesh/v1/mesh_pb.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair, spkiOf } from '../../common/x509/keys.js'
import { encodePem } from '../../common/x509/pem.js'
import { type Authority, initAuthority } from '../../controlplane/ca/authority.js'
import { signTemplate } from '../../controlplane/ca/sign.js'
import { buildLeafTemplate } from '../../controlplane/ca/template.js'
import { atEnd } from '../lab/at-end.js'
import { type TestControlPlane, temporaryDirectory } from './control-plane.js'
import { TRUST_DOMAIN } from './watched-log.js'

/** Joins a host by a new token. */
export async function joinHost(
  t: TestContext,
  controlPlane: TestControlPlane,
  host: string,
  services: readonly string[] = [],
): Promise<HostCredentials> {
  const token = await controlPlane.createToken({ host, services })
  return joinBy(await newStore(t), host, token)
}

/** Joins a host by a token as its agent does. @returns what it may present from then on */
export async function joinBy(store: IdentityStore, host: string, tokenText: string): Promise<HostCredentials> {
  await joinMesh({ host, tokenText, token: parseToken(tokenText), store })
  const pair = await store.readKeyPair('host')
  if (pair === undefined) throw new Error('joined without a certificate')
  return pair
}

/** The store of a host that has never been in a mesh. */
export async function newStore(t: TestContext): Promise<IdentityStore> {
  return new IdentityStore(await temporaryDirectory(t))
}

/** A channel of an agent, closed after the test. */
export function connectAs(
  t: TestContext,
  { address, authority }: TestControlPlane,
  credentials: HostCredentials | undefined,
): Client {
  const client = openChannel(address, { trustBundlePem: authority.bundlePem, trustDomain: TRUST_DOMAIN }, credentials)
  atEnd(t, () => client.close())
  return client
}

/** Asks for the certificate of the host itself, or of a service. */
export async function requestCertificate(
  client: Client,
  service?: string,
): Promise<{ readonly keyPem: string; readonly result: IssueResult['result'] }> {
  const keys = generateKeyPair()
  const request = create(CertificateRequestSchema, {
    subject: service === undefined ? { case: 'host', value: true } : { case: 'service', value: service },
    csrPem: buildCsr(keys),
  })
  const { results } = await call(client, issue, create(IssueRequestSchema, { requests: [request] }))
  const [only] = results
  if (only === undefined || results.length !== 1) throw new Error('one request, not one result')
  return { keyPem: exportPrivateKey(keys.privateKey), result: only.result }
}

/** A certificate that an authority signs without asking whether it should. */
export function forge(authority: Authority, identity: Identity, { now = Date.now(), ttl = 3_600_000 } = {}) {
  const { privateKey } = generateKeyPair()
  const spkiDer = spkiOf(privateKey)
  const template = buildLeafTemplate({ identity, spkiDer, ttl, now }, authority.intermediate.certificate)
  const leaf = encodePem('CERTIFICATE', signTemplate(template, authority))
  return { keyPem: exportPrivateKey(privateKey), chainPem: `${leaf.trimEnd()}\n${authority.intermediate.pem}` }
}

/** Another CA, of this trust domain unless another one is given. */
export async function foreignAuthority(t: TestContext, trustDomain: string = TRUST_DOMAIN): Promise<Authority> {
  return initAuthority(join(await temporaryDirectory(t), 'ca'), { trustDomain, controlPlaneId: 'cp-1' })
}
