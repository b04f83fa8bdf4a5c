import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type AgentMessage,
  AgentMessageSchema,
  type EnvoyReportSchema,
  Health,
  type HostReportSchema,
  type ProblemReportSchema,
  type ServiceReportSchema,
} from '../../common/proto/mesh/v1/mesh_pb.js'

/** What an agent says of a host that listens on this port. */
export function hostReport(fields: MessageInitShape<typeof HostReportSchema> = {}): AgentMessage {
  const listener = { address: '127.0.0.1', port: 15_443, inboundAddress: '127.0.0.1', inboundPort: 15_443 }
  const value = { ...listener, agentVersion: '0.1.0', envoyVersion: '1.36.0', ...fields }
  return create(AgentMessageSchema, { message: { case: 'host', value } })
}

/** A report of healthy HTTP services with these names. */
export function servicesReport(...names: readonly string[]): AgentMessage {
  return reportOf(...names.map((service) => ({ service })))
}

/** A report of services that differ from a healthy HTTP service named web. */
export function reportOf(...services: readonly MessageInitShape<typeof ServiceReportSchema>[]): AgentMessage {
  const ports = [{ name: 'http', port: 8080, protocol: 'http' }]
  const usual = { service: 'web', ports, health: Health.PASSING, source: 'services.d/web.yaml:1' }
  const value = { services: services.map((fields) => ({ ...usual, ...fields })) }
  return create(AgentMessageSchema, { message: { case: 'services', value } })
}

/** A report of an Envoy that is ready and has all that it was sent. */
export function envoyReport(fields: MessageInitShape<typeof EnvoyReportSchema> = {}): AgentMessage {
  const value = { state: 'ready', restarts: 2, acknowledged: 3, subscribed: 3, ...fields }
  return create(AgentMessageSchema, { message: { case: 'envoy', value } })
}

/** What an agent says of the files of its host. */
export function problemsReport(
  errors: number,
  ...problems: readonly MessageInitShape<typeof ProblemReportSchema>[]
): AgentMessage {
  const usual = { file: 'services.d/web.yaml', line: 3, column: 1, code: 'MSH0201', message: 'unknown key' }
  const value = { errors, problems: problems.map((fields) => ({ ...usual, ...fields })) }
  return create(AgentMessageSchema, { message: { case: 'problems', value } })
}

/** The farewell of a host that leaves on purpose. */
export function leaving(): AgentMessage {
  return create(AgentMessageSchema, { message: { case: 'leaving', value: {} } })
}
