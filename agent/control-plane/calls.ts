import { type Client, type ClientDuplexStream, type MethodDefinition, status } from '@grpc/grpc-js'
import { methodDefinition } from '../../common/grpc/definition.js'
import { type AgentMessage, Agents, type ControlPlaneMessage, Identity } from '../../common/proto/mesh/v1/mesh_pb.js'

/** How long a certificate may take to be issued, in milliseconds. */
const CALL_TIMEOUT_MS = 15_000

/** The unary methods of the API. */
export const enrol = methodDefinition(Identity.method.enrol)
export const issue = methodDefinition(Identity.method.issue)
export const recover = methodDefinition(Identity.method.recover)

/** Calls a unary method. @throws ServiceError with the control plane's status and text */
export function call<I, O>(client: Client, method: MethodDefinition<I, O>, request: I): Promise<O> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      { deadline: Date.now() + CALL_TIMEOUT_MS },
      (error, response) => (error === null && response !== undefined ? resolve(response) : reject(error)),
    )
  })
}

/** Opens the session stream of this host. */
export function openSession(client: Client): ClientDuplexStream<AgentMessage, ControlPlaneMessage> {
  const method = methodDefinition(Agents.method.session)
  return client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize)
}

/** The words of a control plane that refuses what it was asked; undefined where it did not answer, or has failed itself. */
export function refusalText(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error && 'details' in error)) return undefined
  return REFUSALS.has(Number(error.code)) ? String(error.details) : undefined
}

const REFUSALS: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.UNAUTHENTICATED,
])
