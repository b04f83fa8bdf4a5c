import { create, createRegistry, fromJson, type JsonObject } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { serviceDefinition } from '../../common/grpc/definition.js'
import { Latest } from '../../common/latest.js'
import { ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RouterSchema } from '../../common/proto/envoy/extensions/filters/http/router/v3/router_pb.js'
import { HttpConnectionManagerSchema } from '../../common/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { AggregatedDiscoveryService } from '../../common/proto/envoy/service/discovery/v3/ads_pb.js'
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type Resource,
  ResourceSchema,
} from '../../common/proto/envoy/service/discovery/v3/discovery_pb.js'

type Stream = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>

const registry = createRegistry(ListenerSchema, ClusterSchema, HttpConnectionManagerSchema, RouterSchema)

/** An ADS server for tests of Envoy's start and stop. */
export interface FixedAds {
  /** The reasons that Envoys gave when they refused something, oldest first. */
  readonly refusals: Latest<readonly string[]>
  /** Ends the streams and the server. */
  close(): void
}

/**
 * Serves the same few resources to every Envoy that connects to this Unix socket, and an empty answer for every other
 * type, which is what lets an Envoy become live. Resources are Envoy's JSON with `@type` and `name`.
 *
 * @param extra bytes appended to every resource: fields that its message does not know
 */
export async function serveFixedAds(
  socket: string,
  resources: readonly JsonObject[] = [],
  extra: Uint8Array = new Uint8Array(),
): Promise<FixedAds> {
  const server = new Server()
  const refusals = new Latest<readonly string[]>([])
  const encoded = resources.map((resource) => encode(resource, extra))
  server.addService(serviceDefinition(AggregatedDiscoveryService), {
    DeltaAggregatedResources: (stream: Stream) => answerOnce(stream, encoded, refusals),
    StreamAggregatedResources: (stream: Stream) => stream.end(),
  })
  await new Promise<void>((resolve, reject) => {
    const bound = (error: Error | null) => (error === null ? resolve() : reject(error))
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), bound)
  })
  return { refusals, close: () => server.forceShutdown() }
}

function encode(resource: JsonObject, extra: Uint8Array): Resource {
  const { typeUrl, value } = fromJson(AnySchema, resource, { registry })
  const content = create(AnySchema, { typeUrl, value: Buffer.concat([value, extra]) })
  return create(ResourceSchema, { name: String(resource['name']), version: '1', resource: content })
}

/** Answers the first request for each type; what comes later are acknowledgements and refusals. */
function answerOnce(stream: Stream, encoded: readonly Resource[], refusals: FixedAds['refusals']): void {
  const answered = new Set<string>()
  stream.on('error', () => {}) // an Envoy that is killed cuts its stream, which is what these tests do
  stream.on('end', () => stream.end())
  stream.on('data', ({ typeUrl, errorDetail }: DeltaDiscoveryRequest) => {
    if (errorDetail !== undefined) refusals.set([...refusals.value, errorDetail.message])
    if (answered.has(typeUrl)) return
    answered.add(typeUrl)
    const resources = encoded.filter(({ resource }) => resource?.typeUrl === typeUrl)
    stream.write(create(DeltaDiscoveryResponseSchema, { typeUrl, nonce: String(answered.size), resources }))
  })
}
