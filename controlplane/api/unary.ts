import { type handleUnaryCall, type ServerUnaryCall, type ServiceError, status } from '@grpc/grpc-js'
import type { Log } from '../../common/log.js'

/** A refusal of a call with its gRPC status; the text goes to the caller. */
export class CallRefusal extends Error {
  readonly code: status

  constructor(code: status, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Turns an async function into a handler of a unary method. A {@link CallRefusal} reaches the caller as it is; any other
 * error is logged whole and reaches the caller as INTERNAL without its text.
 */
export function unary<I, O>(handle: (call: ServerUnaryCall<I, O>) => Promise<O>, log: Log): handleUnaryCall<I, O> {
  return (call, callback) => {
    handle(call).then(
      (response) => callback(null, response),
      (error: unknown) => callback(toServiceError(error, log)),
    )
  }
}

function toServiceError(error: unknown, log: Log): Partial<ServiceError> {
  if (error instanceof CallRefusal) return { code: error.code, details: error.message }
  log.error('call failed', { error })
  return { code: status.INTERNAL, details: 'the control plane failed; its log tells more' }
}
