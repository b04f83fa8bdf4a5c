import { createPublicKey } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import type { JoinToken } from '../../common/join-token.js'
import { EnrolRequestSchema, type EnrolResponse } from '../../common/proto/mesh/v1/mesh_pb.js'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair, importPrivateKey, type KeyPair } from '../../common/x509/keys.js'
import { call, enrol, refusalText } from '../control-plane/calls.js'
import { openChannel } from '../control-plane/channel.js'
import { findRoot } from './find-root.js'
import type { IdentityStore } from './store.js'

/** What joining needs. */
export interface JoinOptions {
  readonly host: string
  /** The token as it was given, and what it says. */
  readonly tokenText: string
  readonly token: JoinToken
  readonly store: IdentityStore
}

/** What a host became part of. */
export interface Joined {
  readonly trustDomain: string
  readonly services: readonly string[]
  readonly controlPlane: SocketAddress
}

/** No control plane of the token took the host in; one error for each, in the order of the token. */
export class JoinFailed extends Error {
  readonly errors: readonly unknown[]
  /** What a control plane said that answered and refused; undefined where none answered. */
  readonly refusal: string | undefined

  constructor(host: string, errors: readonly unknown[]) {
    super(`${host} could not join`, { cause: errors.at(-1) })
    this.errors = errors
    this.refusal = errors.map(refusalText).find((text) => text !== undefined)
  }
}

/**
 * Joins a mesh: finds the root by its fingerprint, and only then sends the token to a control plane that the root
 * vouches for. The key is kept before it is used, so that a lost answer can be asked for again with the same key.
 *
 * @throws JoinFailed where no control plane of the token takes the host in
 */
export async function joinMesh(options: JoinOptions): Promise<Joined> {
  const keys = await pendingKeys(options.store)
  const errors: unknown[] = []
  for (const controlPlane of options.token.controlPlanes) {
    try {
      const response = await enrolAt(controlPlane, options, buildCsr(keys))
      await keep(options, exportPrivateKey(keys.privateKey), response)
      return { trustDomain: response.trustDomain, services: response.allowedServices, controlPlane }
    } catch (error) {
      errors.push(error)
    }
  }
  throw new JoinFailed(options.host, errors)
}

async function pendingKeys(store: IdentityStore): Promise<KeyPair> {
  const pending = await store.readPendingKey()
  if (pending !== undefined) {
    const privateKey = importPrivateKey(pending)
    return { privateKey, publicKey: createPublicKey(privateKey) }
  }
  const keys = generateKeyPair()
  await store.writePendingKey(exportPrivateKey(keys.privateKey))
  return keys
}

async function enrolAt(address: SocketAddress, options: JoinOptions, csrPem: string): Promise<EnrolResponse> {
  const trustBundlePem = await findRoot(address, options.token.rootFingerprint)
  const client = openChannel(address, { trustBundlePem, trustDomain: undefined }, undefined)
  try {
    const proof = { case: 'token' as const, value: options.tokenText }
    return await call(client, enrol, create(EnrolRequestSchema, { host: options.host, csrPem, proof }))
  } finally {
    client.close()
  }
}

async function keep({ host, token, store }: JoinOptions, keyPem: string, response: EnrolResponse): Promise<void> {
  const { certificate, trustDomain } = response
  if (certificate === undefined) throw new Error('the control plane answered without a certificate')
  await store.writeBundle(certificate.trustBundlePem)
  await store.writeKeyPair('host', { keyPem, chainPem: certificate.chainPem })
  await store.writeMembership({ host, trustDomain, controlPlanes: token.controlPlanes.map(formatSocketAddress) })
  await store.removePendingKey()
}
