import { type handleBidiStreamingCall, type Server, status } from '@grpc/grpc-js'
import { serviceDefinition } from '../../common/grpc/definition.js'
import type { Identity } from '../../common/identity.js'
import {
  type AgentMessage,
  Agents,
  type ControlPlaneMessage,
  type EnrolRequest,
  type EnrolResponse,
  Identity as IdentityService,
  type IssueRequest,
  type IssueResponse,
  type RecoverRequest,
  type RecoverResponse,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { type AdsCall, addAdsService } from '../../common/xds/grpc-service.js'
import { StreamRefusal } from '../../common/xds/refusal.js'
import type { Identify } from '../../common/xds/served-stream.js'
import type { XdsServer } from '../../common/xds/server.js'
import type { Node } from '../../common/xds/wire.js'
import { grpcClient } from '../envoy/grpc-client.js'
import { type EnrolContext, enrolHost } from './enrol.js'
import { type IssueContext, issueToHost } from './issue.js'
import { type RecoverContext, recoverHost } from './recover.js'
import type { CallerOf } from './server.js'
import { type SessionContext, serveSession } from './session.js'
import { CallRefusal, unary } from './unary.js'

/** What the methods of the API work with. */
export interface ApiContext extends EnrolContext, IssueContext, RecoverContext, SessionContext {
  readonly xds: XdsServer<AdsCall>
}

/** Adds every service of the API to a gRPC server. */
export function addServices(server: Server, callerOf: CallerOf, context: ApiContext): void {
  server.addService(serviceDefinition(IdentityService), {
    Enrol: unary<EnrolRequest, EnrolResponse>((call) => enrolHost(call.request, context), context.log),
    Issue: unary<IssueRequest, IssueResponse>(async (call) => {
      const host = hostOf(callerOf, call)
      if (host === undefined) throw new CallRefusal(status.PERMISSION_DENIED, NO_HOST)
      return issueToHost({ identity: host, serial: callerOf(call)?.certificate?.serial ?? '' }, call.request, context)
    }, context.log),
    Recover: unary<RecoverRequest, RecoverResponse>((call) => recoverHost(call.request, context), context.log),
  })
  const Session: handleBidiStreamingCall<AgentMessage, ControlPlaneMessage> = (call) => {
    const host = hostOf(callerOf, call)
    if (host === undefined) call.emit('error', { code: status.PERMISSION_DENIED, details: NO_HOST })
    else serveSession(call, host.name, context)
  }
  server.addService(serviceDefinition(Agents), { Session })
  addAdsService(server, context.xds)
}

/** What a publication calls a client of a host: a gRPC client, which says so of itself, gets what it understands. */
export function clientOf(host: string, { userAgentName }: Pick<Node, 'userAgentName'>): string {
  return userAgentName.startsWith('gRPC') ? grpcClient(host) : host
}

/** Ties an xDS stream to the host that TLS verified; a node that calls itself otherwise is refused. */
export function identifyByCertificate(callerOf: () => CallerOf): Identify<AdsCall> {
  return (node, call) => {
    const host = hostOf(callerOf(), call)
    if (host === undefined) throw new StreamRefusal('PERMISSION_DENIED', NO_HOST)
    if (node === undefined) return host.name
    if (node.id === host.name) return clientOf(host.name, node)
    const message = `the certificate is that of ${host.name}, the node calls itself ${node.id}`
    throw new StreamRefusal('PERMISSION_DENIED', message)
  }
}

const NO_HOST = 'only hosts may call this'

/** The calling host; undefined where the caller is none, or its connection has just ended. */
function hostOf(callerOf: CallerOf, call: { getPeer(): string }): Identity | undefined {
  const identity = callerOf(call)?.identity
  return identity?.kind === 'host' ? identity : undefined
}
