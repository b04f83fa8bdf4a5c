/** The gRPC status codes with which a stream is ended. @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export type RefusalStatus =
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED'

/** Ends a stream with a status that the client gets to see. */
export class StreamRefusal extends Error {
  override readonly name = 'StreamRefusal'
  readonly status: RefusalStatus

  constructor(status: RefusalStatus, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** A resource that a client has refused and therefore does not use; it keeps what it had. */
export interface RefusedResource {
  readonly type: string
  readonly name: string
  /** The refused version; empty when what was refused is the resource's removal. */
  readonly version: string
  /** The client's own words. */
  readonly error: string
}
