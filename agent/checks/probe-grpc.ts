import { create } from '@bufbuild/protobuf'
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { methodDefinition } from '../../common/grpc/definition.js'
import {
  Health,
  type HealthCheckResponse,
  HealthCheckRequestSchema as Request,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../common/proto/grpc/health/v1/health_pb.js'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import type { ProbeResult } from './check-state.js'

/** Largest answer that is read, bytes: a status takes two. */
const MAX_ANSWER = 4096

const OPTIONS = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.max_receive_message_length': MAX_ANSWER,
  'grpc.primary_user_agent': 'hostmesh-check',
}

const check = methodDefinition(Health.method.check)

/**
 * Asks the standard health service of a gRPC application, in plain HTTP/2: SERVING passes. What the application itself
 * answers is a result; a connection that fails, or an aborted signal, is thrown.
 *
 * @param service a gRPC service; empty: the server as a whole
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export async function probeGrpc(target: SocketAddress, service: string, signal: AbortSignal): Promise<ProbeResult> {
  signal.throwIfAborted()
  const client = new Client(formatSocketAddress(target), credentials.createInsecure(), OPTIONS)
  try {
    const answer = await ask(client, service, signal)
    return { passed: answer.status === ServingStatus.SERVING, detail: said(service, ServingStatus[answer.status]) }
  } catch (error) {
    signal.throwIfAborted()
    const refusal = explain(error as ServiceError)
    if (refusal === undefined) throw new Error(connectionError(error as ServiceError))
    return { passed: false, detail: said(service, refusal) }
  } finally {
    client.close()
  }
}

function ask(client: Client, service: string, signal: AbortSignal): Promise<HealthCheckResponse> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = check
    const request = create(Request, { service })
    const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) => {
      signal.removeEventListener('abort', cancel)
      if (error === null && answer !== undefined) resolve(answer)
      else reject(error)
    })
    const cancel = () => call.cancel()
    signal.addEventListener('abort', cancel)
  })
}

/** Undefined where it is the connection that fails and not the application that answers. */
function explain({ code, details }: ServiceError): string | undefined {
  switch (code) {
    case status.UNAVAILABLE:
      return undefined
    case status.UNIMPLEMENTED:
      return 'UNIMPLEMENTED: the application has no grpc.health.v1.Health'
    case status.NOT_FOUND:
      return 'NOT_FOUND: the application knows no such service'
    default:
      return `${status[code]}: ${details}`
  }
}

function connectionError({ details }: ServiceError): string {
  return details.includes('ECONNREFUSED') ? 'connection refused' : details
}

function said(service: string, text = 'a status that gRPC does not know'): string {
  return `grpc health${service === '' ? '' : ` of ${service}`}: ${text}`
}
