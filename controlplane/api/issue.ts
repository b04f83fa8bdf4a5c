import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { type Identity, parseSpiffeId, serviceId } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import {
  type CertificateRequest,
  type IssueRequest,
  type IssueResponse,
  IssueResponseSchema,
  type IssueResult,
  IssueResultSchema,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { auditCertificate } from '../ca/audit.js'
import { toCertificate } from './enrol.js'
import type { Issuer } from './issuer.js'
import { CallRefusal } from './unary.js'

/** Most certificates in one request; a host with more services asks again. */
const MAX_REQUESTS = 100

/** A host that asks, by which of its certificates. */
export interface Caller {
  readonly identity: Identity
  readonly serial: string
}

/** What issuing decides by. */
export interface IssueContext {
  readonly issuer: Issuer
  /** Whether the host may run the service. */
  readonly mayRun: (host: string, service: string) => boolean
  readonly log: Log
}

/**
 * Issues certificates to a host, for itself and for services that it may run. The names come from the rules and never
 * from the CSR. One refusal does not take the others down.
 *
 * @param caller who asks, as TLS verified it, and the serial of the certificate that proved it
 */
export async function issueToHost(
  caller: Caller,
  request: IssueRequest,
  context: IssueContext,
): Promise<IssueResponse> {
  if (request.requests.length > MAX_REQUESTS) {
    throw new CallRefusal(status.INVALID_ARGUMENT, `at most ${MAX_REQUESTS} certificates in one request`)
  }
  const results: IssueResult[] = []
  for (const one of request.requests) results.push(await issueOne(caller, one, context))
  return create(IssueResponseSchema, { results })
}

async function issueOne(caller: Caller, request: CertificateRequest, context: IssueContext): Promise<IssueResult> {
  const { issuer } = context
  try {
    const identity = subjectOf(caller, request, context)
    const issued = await issuer.issue({
      csrPem: request.csrPem,
      identity,
      host: caller.identity.name,
      provenBy: caller.serial,
    })
    return create(IssueResultSchema, {
      result: { case: 'certificate', value: toCertificate(issued, issuer.trustBundlePem) },
    })
  } catch (error) {
    if (!(error instanceof CallRefusal)) throw error
    return create(IssueResultSchema, { result: { case: 'refused', value: error.message } })
  }
}

function subjectOf(caller: Caller, { subject }: CertificateRequest, { issuer, mayRun, log }: IssueContext): Identity {
  const host = caller.identity.name
  if (subject.case === 'host' && subject.value) return caller.identity
  const service = subject.case === 'service' ? subject.value : ''
  const spiffeId = serviceId(issuer.trustDomain, service)
  const identity = parseSpiffeId(spiffeId)
  if (identity !== undefined && mayRun(host, service)) return identity
  const reason = identity === undefined ? 'no-service-name' : 'not-allowed-to-run-the-service'
  auditCertificate(log, { decision: 'refused', identity: spiffeId, host, reason })
  throw new CallRefusal(status.PERMISSION_DENIED, `host ${host} may not run the service ${JSON.stringify(service)}`)
}
