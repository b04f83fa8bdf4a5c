import type { MessageInitShape } from '@bufbuild/protobuf'
import type { DeltaDiscoveryRequestSchema } from '../../../common/proto/envoy/service/discovery/v3/discovery_pb.js'
import { encodeRequest } from '../../../common/xds/wire.js'
import { type Http2Connection, messageFrame } from './http2.js'

/** The stream of ADS, the first of each connection, and that of the agent's session. */
export const ADS_STREAM = 1
export const SESSION_STREAM = 3

/** One type that a client asks for: everything, or these names. */
export interface Subscription {
  readonly type: string
  readonly names: '*' | readonly string[]
}

/** The first request of a stream for a type. @param has the versions that the client has, by name */
export function subscribe(
  host: string,
  { type, names }: Subscription,
  has: Readonly<Record<string, string>> = {},
): Uint8Array {
  const request: MessageInitShape<typeof DeltaDiscoveryRequestSchema> = {
    node: { id: host, userAgentName: 'bench', userAgentVersionType: { case: 'userAgentVersion', value: '0' } },
    typeUrl: type,
    resourceNamesSubscribe: names === '*' ? ['*'] : [...names],
    initialResourceVersions: has,
  }
  return encodeRequest(request)
}

/** Opens the session of an agent and sends these messages. Without TLS the server believes the header. */
export function beginSession(connection: Http2Connection, host: string, messages: readonly Uint8Array[]): void {
  connection.open(SESSION_STREAM, '/mesh.v1.Agents/Session', { 'x-bench-host': host })
  for (const message of messages) connection.send(SESSION_STREAM, message)
}

/** The ACK of a response as a whole frame. The nonces of all streams are the same small numbers, so each is made once. */
export function acknowledgement(typeUrl: string, responseNonce: string): Buffer {
  const key = `${responseNonce} ${typeUrl}`
  const known = acknowledgements.get(key)
  if (known !== undefined) return known
  const made = messageFrame(ADS_STREAM, encodeRequest({ typeUrl, responseNonce }))
  acknowledgements.set(key, made)
  return made
}

const acknowledgements = new Map<string, Buffer>()

/** The refusal of a response, whatever is in it. */
export function refusal(typeUrl: string, responseNonce: string): Buffer {
  const errorDetail = { code: 3, message: 'this client refuses everything' }
  return messageFrame(ADS_STREAM, encodeRequest({ typeUrl, responseNonce, errorDetail }))
}
