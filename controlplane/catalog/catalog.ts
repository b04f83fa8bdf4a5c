import type { Bind } from '../../common/bind.js'
import type { Protocol } from '../../common/config/fields.js'
import type { Location } from '../../common/problem.js'
import type { SocketAddress } from '../../common/socket-address.js'

/** Where something of the catalog was learned. `consul` stands before `agent` before `file` where they differ. */
export type Provenance =
  | { readonly source: 'agent'; readonly host: string; readonly place: string }
  | { readonly source: 'file'; readonly location: Location }

/** Region and zone; absent parts are unknown. */
export interface Locality {
  readonly region?: string | undefined
  readonly zone?: string | undefined
}

/** A named port of an instance, on which the application listens. */
export interface InstancePort {
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
}

/** A program that serves something, once, on one host or address. */
export interface Instance {
  /** `<service>@<host or address>:<application port of the first named port>`: the key of the merge. */
  readonly id: string
  readonly service: string
  /** The mesh host that runs it; absent for machines without an agent. */
  readonly host?: string
  /**
   * How callers reach it: through the inbound listener of its host's Envoy with mutual TLS, or directly and in plain
   * text because it is outside the mesh.
   */
  readonly reach: 'mesh' | 'plain'
  /** Where callers connect: the host's inbound listener, or for plain instances the application itself. */
  readonly endpoint: SocketAddress
  /** In the order of the file; never empty. A plain instance has exactly one. */
  readonly ports: readonly InstancePort[]
  /** The labels that subsets select by; `version`, `region` and `zone` are among them where they are known. */
  readonly labels: Readonly<Record<string, string>>
  readonly locality: Locality
  /** Share of the load among instances, 1 and above. */
  readonly weight: number
  /** `draining`: gets no new requests, its open ones end. Only `passing` instances are given to callers. */
  readonly health: 'passing' | 'critical' | 'draining'
  /** The output of the check, for people. */
  readonly healthDetail: string
  /**
   * `unknown`: its host's session is lost and the grace has not ended; it is still given to callers.
   */
  readonly presence: 'live' | 'unknown'
  readonly provenance: readonly Provenance[]
}

/** How a host answers calls by name. */
export interface HostNames {
  /** CIDR of the virtual addresses, a /16 or larger: `127.80.0.0/12`. */
  readonly range: string
  /** Where Envoy answers DNS. */
  readonly dns: SocketAddress
  /** Ports that name listeners must leave alone on this host: wildcard listeners and local services. */
  readonly occupiedPorts: readonly number[]
  /**
   * The port on 127.0.0.1 to which the host's firewall sends connections to virtual addresses; absent: Envoy listens on
   * the addresses itself.
   */
  readonly redirectPort?: number
}

/** A dependency with a local address of its own, declared by a service. */
export interface DeclaredUpstream {
  /** The service that declared it: the call carries its identity. */
  readonly declaredBy: string
  readonly service: string
  /** A named port of the called service; absent: its first. */
  readonly port?: string
  readonly bind: Bind
  /** For people: `agent web-1 services.d/web.yaml:4`. */
  readonly place: string
}

/** An instance on its host. */
export interface HostedService {
  readonly service: string
  readonly ports: readonly InstancePort[]
  /** Where other Envoys find it, for instances beside the first of their service; absent: the host's inbound port. */
  readonly inboundPort?: number
}

/** A host with an agent: what its Envoy must be given beside what all Envoys get. */
export interface CatalogHost {
  readonly name: string
  /** Where its Envoy listens for other Envoys. */
  readonly inbound: SocketAddress
  /** Where the applications of this host listen. */
  readonly applicationAddress: string
  readonly locality: Locality
  readonly labels: Readonly<Record<string, string>>
  /** Absent: names are off. */
  readonly names?: HostNames
  /** The service whose identity calls by name carry; absent: the host's own identity. */
  readonly caller?: string
  /** What it reports and may run, sorted by service and inbound port; also those that are critical. */
  readonly services: readonly HostedService[]
  readonly upstreams: readonly DeclaredUpstream[]
  /** `1.40.0`; absent until its Envoy was found. */
  readonly envoyVersion?: string
}

/**
 * What runs where, merged from all sources. Values are sorted; what did not change between two catalogs is the same
 * object in both.
 */
export interface Catalog {
  /** By service name, then sorted by id. */
  readonly instances: ReadonlyMap<string, readonly Instance[]>
  /** By host name. */
  readonly hosts: ReadonlyMap<string, CatalogHost>
}

/** Nothing runs. */
export const EMPTY_CATALOG: Catalog = { instances: new Map(), hosts: new Map() }
