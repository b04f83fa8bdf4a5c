import type { Protocol } from '../../common/config/fields.js'

/** A service that a host of the lab runs. */
export interface LabService {
  readonly service: string
  /** The name of its file; absent: that of the service. */
  readonly file?: string
  readonly port: number
  readonly protocol?: Protocol
  /** Several ports instead of that one, as YAML. */
  readonly ports?: string
  /** As YAML; absent: its port takes connections. */
  readonly check?: string
  /** Further lines of the service file, as YAML. */
  readonly more?: string
}

/** A host of the lab: a loopback address with an agent and an Envoy of its own. */
export interface LabHost {
  readonly name: string
  readonly address: string
  /** Its range of virtual addresses. */
  readonly range: string
  readonly services: readonly LabService[]
  /** Whose identity calls by name carry; absent: the only service's. */
  readonly as?: string
  /** A command that runs its agent in its own process, with fewer rights. */
  readonly before?: readonly string[]
  /** Further settings of `names` in `agent.yaml`, or others instead of those of the lab. */
  readonly names?: Readonly<Record<string, string | number>>
  /** Further lines of `agent.yaml`. */
  readonly settings?: string
}

/** The port of the HTTP services of the lab. */
export const HTTP_PORT = 9090

/** The port of the greeter, a service whose server speaks first. */
export const TCP_PORT = 7000

export const WEB: LabHost = {
  name: 'web-1',
  address: '127.0.3.1',
  range: '127.91.0.0/16',
  services: [{ service: 'web', port: 8080 }],
}

export const PAY_1: LabHost = {
  name: 'pay-1',
  address: '127.0.3.2',
  range: '127.92.0.0/16',
  services: [{ service: 'payments', port: HTTP_PORT }],
}

export const PAY_2: LabHost = { ...PAY_1, name: 'pay-2', address: '127.0.3.3', range: '127.93.0.0/16' }

/** Runs a service that nobody allows to call. */
export const STRANGER: LabHost = {
  name: 'stranger-1',
  address: '127.0.3.4',
  range: '127.94.0.0/16',
  services: [{ service: 'stranger', port: 8080 }],
}

export const GREETER: LabHost = {
  name: 'greeter-1',
  address: '127.0.3.5',
  range: '127.95.0.0/16',
  services: [{ service: 'greeter', port: TCP_PORT, protocol: 'tcp' }],
}
