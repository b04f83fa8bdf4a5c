import { type handleBidiStreamingCall, Server, ServerCredentials } from '@grpc/grpc-js'
import { serviceDefinition } from '../../../common/grpc/definition.js'
import { Latest } from '../../../common/latest.js'
import { processMetrics } from '../../../common/metrics/process.js'
import { observeXds } from '../../../common/metrics/xds.js'
import { type AgentMessage, Agents, type ControlPlaneMessage } from '../../../common/proto/mesh/v1/mesh_pb.js'
import { type AdsCall, addAdsService } from '../../../common/xds/grpc-service.js'
import type { Publication } from '../../../common/xds/resource.js'
import { XdsServer } from '../../../common/xds/server.js'
import { GRPC_OPTIONS } from '../../../controlplane/api/server.js'
import { serveSession } from '../../../controlplane/api/session.js'
import { welcomes } from '../../../controlplane/api/welcome.js'
import type { ControlPlane } from '../../../controlplane/assemble.js'
import type { ServerAddress } from '../load/connect.js'

/**
 * Serves ADS and sessions of an assembled control plane without TLS, to clients that are who they say they are. The
 * bars in plain text are compared with servers that are measured in this way too.
 */
export async function servePlain(controlPlane: ControlPlane): Promise<ServerAddress> {
  const { pipeline, xds: secured } = controlPlane
  secured.close()
  const publication = new Latest<Publication>(pipeline.state.value.publication)
  pipeline.state.subscribe(() => publication.set(pipeline.state.value.publication))
  const xds = new XdsServer<AdsCall>(publication, {
    identify: (node) => node?.id ?? '',
    observer: observeXds(processMetrics('controlplane')),
  })
  const server = new Server(GRPC_OPTIONS)
  addAdsService(server, xds)
  server.addService(serviceDefinition(Agents), { Session: sessionsOf(controlPlane) })
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, number: number) => (error === null ? resolve(number) : reject(error))
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound)
  })
  return { address: '127.0.0.1', port }
}

function sessionsOf(controlPlane: ControlPlane): handleBidiStreamingCall<AgentMessage, ControlPlaneMessage> {
  const { settings, directory, questions, trustBundlePem, allows, config, state, audit } = controlPlane
  const { id: controlPlaneId, trustDomain, domain } = settings
  const rights = [config.loaded, state.hosts.rights]
  const greeting = welcomes({ controlPlaneId, trustDomain, domain, trustBundlePem, mayRun: allows, rights })
  const context = { directory, questions, log: audit, ...greeting }
  return (call) => serveSession(call, String(call.metadata.get('x-bench-host')[0]), context)
}
