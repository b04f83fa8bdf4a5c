import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { hostId, parseSpiffeId } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import {
  CertificateSchema,
  type EnrolRequest,
  type EnrolResponse,
  EnrolResponseSchema,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { HostError, type HostRegistry } from '../ca/hosts.js'
import type { IssuedLeaf } from '../ca/issue.js'
import { type JoinTokens, TokenError } from '../ca/tokens.js'
import type { Issuer } from './issuer.js'
import { CallRefusal } from './unary.js'

/** What enrolment decides by. */
export interface EnrolContext {
  readonly tokens: JoinTokens
  readonly hosts: HostRegistry
  readonly issuer: Issuer
  readonly log: Log
  readonly now?: () => number
}

/**
 * Turns a join token into a host's first certificate: the CSR is judged, so that a faulty one costs no token; then the token's use is taken for its key,
 * then the host is enrolled and its certificate recorded; only then is anything answered.
 *
 * @throws CallRefusal; all reasons why a token is not good look alike
 */
export async function enrolHost(request: EnrolRequest, context: EnrolContext): Promise<EnrolResponse> {
  const { tokens, hosts, issuer, now = Date.now } = context
  const { host } = request
  const identity = parseSpiffeId(hostId(issuer.trustDomain, host))
  if (identity === undefined)
    throw new CallRefusal(status.INVALID_ARGUMENT, `${JSON.stringify(host)} is not a host name`)
  if (request.proof.case !== 'token')
    throw new CallRefusal(status.UNAUTHENTICATED, 'no proof was given that is known here')
  const key = issuer.judge({ csrPem: request.csrPem, identity, host })
  const { granted } = await refuse(tokens.use(request.proof.value, { host, keyHash: key, now: now() }))
  await refuse(hosts.enrol({ host, services: granted, keyHash: key, now: now() }))
  const issued = await issuer.issue({ csrPem: request.csrPem, identity, host })
  return create(EnrolResponseSchema, {
    certificate: toCertificate(issued, issuer.trustBundlePem),
    trustDomain: issuer.trustDomain,
    allowedServices: [...granted],
  })
}

/** A certificate as the API sends it. */
export function toCertificate({ spiffeId, chainPem }: IssuedLeaf, trustBundlePem: string) {
  return create(CertificateSchema, { spiffeId, chainPem, trustBundlePem })
}

async function refuse<T>(decision: Promise<T>): Promise<T> {
  try {
    return await decision
  } catch (error) {
    if (error instanceof TokenError) throw new CallRefusal(status.PERMISSION_DENIED, error.message)
    if (error instanceof HostError) throw new CallRefusal(status.PERMISSION_DENIED, error.message)
    throw error
  }
}
