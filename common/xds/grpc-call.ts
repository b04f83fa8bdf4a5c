import { type CallOptions, type Client, Metadata } from '@grpc/grpc-js'
import type { DeltaCall } from './client.js'
import { DELTA_METHOD } from './grpc-service.js'

/** Opens a delta ADS stream over a grpc-js client, which decides address, credentials and keepalive. */
export function openDeltaCall(client: Client, options: CallOptions = {}): DeltaCall {
  const { path, requestSerialize, responseDeserialize } = DELTA_METHOD
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), options)
  // Who reads the messages is told of errors; one that comes after, such as that of cancelling, concerns nobody.
  call.on('error', () => undefined)
  return {
    write(message) {
      call.write(Buffer.from(message.buffer, message.byteOffset, message.byteLength))
    },
    messages: call,
    cancel: () => call.cancel(),
  }
}
