/**
 * The mesh: what runs merged with what was asked for, every reference resolved and every default chosen. It knows no
 * YAML and no Envoy message; `mesh/build.ts` makes it and `envoy/build.ts` translates it, and each value below is all
 * that one Envoy resource is made from.
 *
 * Everything is plain data, so that two meshes compare by their parts and one can be printed.
 */
import type { Bind } from '../../common/bind.js'
import type { Location } from '../../common/problem.js'
import type { Carriage, Speech } from '../../common/protocol.js'

/** An address and a port, as a socket takes them. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** The documents, or places in them, that a part of the mesh was made from; a refusal by Envoy is told with them. */
export type Sources = readonly Location[]

/** A limit in time: none, or this many milliseconds. */
export type TimeLimit = 'unlimited' | { readonly ms: number }

/** An instance as callers see it. */
export interface MeshEndpoint {
  readonly address: SocketAddress
  readonly weight: number
}

/** How a cluster chooses among its endpoints. */
export type LoadBalancing = 'round-robin' | 'least-request'

/** How callers reach the endpoints of a cluster. */
export type Transport =
  /** Straight to the applications, in what they speak. */
  | { readonly kind: 'plain'; readonly speaks: Speech }
  /** Mutual TLS: the callee is found by this server name and must present this SPIFFE ID. */
  | { readonly kind: 'mesh'; readonly serverName: string; readonly spiffeId: string }

/** A set of like instances of one port of a service: all of them, or a subset. Becomes one cluster and one endpoint resource. */
export interface MeshCluster {
  /** `payments/main`, or `payments/main/v2` for a subset. */
  readonly name: string
  readonly carriage: Carriage
  readonly transport: Transport
  readonly connectTimeoutMs: number
  readonly loadBalancing: LoadBalancing
}

/** The endpoints of a cluster, of the same name; kept apart because they change far more often. */
export interface MeshEndpoints {
  readonly name: string
  /** Sorted by address and port; only healthy ones. */
  readonly endpoints: readonly MeshEndpoint[]
}

/** What one header must be for a match. */
export type HeaderCondition =
  | { readonly name: string; readonly kind: 'present' }
  | { readonly name: string; readonly kind: 'exact'; readonly value: string }
  | { readonly name: string; readonly kind: 'regex'; readonly value: string }

/** All given fields must hold. */
export interface RequestMatch {
  /** Only calls of gRPC, by their content type. */
  readonly grpc?: true
  readonly path?: { readonly kind: 'exact' | 'prefix'; readonly value: string }
  /** Any of them; absent: every method. */
  readonly methods?: readonly string[]
  readonly headers: readonly HeaderCondition[]
}

/** A share of the load. Weights are whole numbers already, their sum above zero and at most 2³²−1. */
export interface WeightedCluster {
  readonly cluster: string
  readonly weight: number
}

/** When and how often a request is tried again. */
export interface RetryPolicy {
  readonly retries: number
  readonly perTryMs?: number
  /** Conditions by their names in the language, sorted; statuses as three digits. */
  readonly on: readonly string[]
  /** Only requests with these methods; absent: all. */
  readonly methods?: readonly string[]
}

/** What happens to a request that matches. */
export type RouteAction =
  | {
      readonly kind: 'forward'
      /** Never empty. */
      readonly to: readonly WeightedCluster[]
      /** Of requests from their end, of calls of gRPC from their beginning. */
      readonly timeout: TimeLimit
      /** Only on routes for gRPC: what a call says of its own deadline holds, up to the timeout. */
      readonly deadline?: 'honour'
      /** Absent: never tried again. */
      readonly retry?: RetryPolicy
      /** Replaces the matched prefix (or the whole path of an exact match). */
      readonly prefixRewrite?: string
    }
  | { readonly kind: 'respond'; readonly status: number; readonly body?: string }

/** One entry of a route table; the first that matches wins. */
export interface MeshRoute {
  /** `<rule>#<n>`, unique in its table. */
  readonly name: string
  readonly match: RequestMatch
  readonly action: RouteAction
}

/** The outbound routes of one http port of a service: becomes one route configuration. */
export interface OutboundRoutes {
  /** `payments/main` */
  readonly name: string
  /** Ends with a route that matches everything. */
  readonly routes: readonly MeshRoute[]
  /** Whether a route or a rule of its callee names a path, so that escaped slashes must be refused. */
  readonly rejectEscapedSlashes: boolean
}

/** The weighted clusters to which connections to one tcp port of a service go. */
export interface OutboundTcp {
  readonly to: readonly WeightedCluster[]
}

/** A port of a service as callers by name see it. */
export interface NamedPort {
  /** `payments/main` */
  readonly name: string
  readonly service: string
  readonly carriage: Carriage
  /**
   * The numbers on which it listens at the service's virtual address, sorted: those of the instances, and 80 for the
   * first port of the service that carries requests.
   */
  readonly numbers: readonly number[]
  /** Present for ports that carry bytes. */
  readonly tcp?: OutboundTcp
}

/** Who may call, as SPIFFE IDs: one exactly, or all that start with a prefix. */
export type Principal =
  | { readonly kind: 'exact'; readonly spiffeId: string }
  | { readonly kind: 'prefix'; readonly prefix: string }

/** A rule about requests: one of the principals, with one of the methods, for one of the paths. */
export interface AccessRule {
  /** Unique among the rules of its list. */
  readonly name: string
  /** Absent: anybody of the mesh. */
  readonly principals?: readonly Principal[]
  readonly methods?: readonly string[]
  readonly paths?: readonly { readonly kind: 'exact' | 'prefix'; readonly value: string }[]
}

/** Who may send what to an http port: deny first, then allow. */
export interface HttpAccess {
  readonly deny: readonly AccessRule[]
  /** Absent: whoever is not denied may; an empty list: nobody. */
  readonly allow?: readonly AccessRule[]
}

/** A port of a service on the host that runs it: a filter chain of an inbound listener. */
export interface InboundPort {
  /** `payments/main` */
  readonly name: string
  /** Unique among the ports of its host: the name or, for a further instance of the service, `payments/main/15100`. */
  readonly local: string
  readonly service: string
  readonly carriage: Carriage
  readonly serverName: string
  /** Where the application listens. */
  readonly application: SocketAddress
  readonly speaks: Speech
}

/** Who may call an http port of a service: becomes the inbound route configuration of its filter chain. */
export interface InboundRoutes {
  /** `payments/main` */
  readonly name: string
  readonly access: HttpAccess
  /** As on the side of its callers. */
  readonly rejectEscapedSlashes: boolean
}

/** Who may open a connection to a tcp port: becomes the validation context of its filter chain. */
export interface TcpAllowList {
  /** `ledger/main` */
  readonly name: string
  /** Never "everybody": an exact or prefix form for each; empty: nobody. */
  readonly principals: readonly Principal[]
}

/** A declared upstream: a listener on a host's own address, or at a Unix socket, whose calls carry the identity of who declared it. */
export interface UpstreamListener {
  /** `upstream/<declaring service>/<address>:<port>`, or `…/unix:<path>` */
  readonly name: string
  readonly bind: Bind
  /** The named port that is called. */
  readonly target: string
  /** The service whose identity the call carries; absent: that of the host's calls by name is the same. */
  readonly as?: string
}

/** Where a host's Envoy takes connections of others: one for all first instances, one for each further one of a service. */
export interface InboundListener {
  /** `inbound`, or `inbound/15100` */
  readonly name: string
  readonly address: SocketAddress
  /** Never empty; their server names differ. */
  readonly ports: readonly InboundPort[]
}

/** What is particular to one host. */
export interface MeshHost {
  readonly name: string
  readonly inbound: readonly InboundListener[]
  readonly upstreams: readonly UpstreamListener[]
  /** Key into {@link Mesh.nameViews}; absent: names are off. */
  readonly nameView?: string
}

/** How names look on hosts with the same range, the same mode and the same occupied ports. */
export interface NameView {
  /** Made from the fields below; hosts with equal fields share one view. */
  readonly key: string
  readonly dns: SocketAddress
  /** Whether Envoy can be told to answer names in whatever case they are asked. */
  readonly anyCase: boolean
  /**
   * Where connections to virtual addresses arrive, sent by the host's firewall; absent: Envoy listens on the addresses
   * itself.
   */
  readonly redirectedTo?: SocketAddress
  /** By service: its virtual address, IPv4. Sorted by service. */
  readonly addresses: readonly { readonly service: string; readonly address: string }[]
  /** By named port and number: where it is found. Numbers that Envoy cannot listen on on these hosts are left out. */
  readonly listeners: readonly { readonly port: string; readonly address: SocketAddress }[]
  /** What is not found on these hosts, because the number is occupied there: by number, the services, sorted. */
  readonly leftOut: readonly { readonly number: number; readonly services: readonly string[] }[]
}

/** One port of one service with all that callers and callees need of it. */
export interface MeshPort {
  readonly named: NamedPort
  readonly clusters: readonly MeshCluster[]
  readonly endpoints: readonly MeshEndpoints[]
  /** Present for ports that carry requests. */
  readonly outbound?: OutboundRoutes
  /** Present for ports that carry requests and that a mesh host serves. */
  readonly inbound?: InboundRoutes
  /** Present for ports that carry bytes and that a mesh host serves. */
  readonly allowList?: TcpAllowList
  readonly sources: PortSources
}

/** Apart from what resources are made from: places change when a line is written above them, and resources do not. */
export interface PortSources {
  /** Of its clusters. */
  readonly clusters: Sources
  /** Of where requests or connections go; a document that is left out is not among them. */
  readonly outbound: Sources
  /** Of who may call. */
  readonly access: Sources
}

/** The whole mesh, sorted by names. */
export interface Mesh {
  readonly trustDomain: string
  /** The domain of names: `mesh`. */
  readonly domain: string
  /** By name of the named port. */
  readonly ports: ReadonlyMap<string, MeshPort>
  /** By host name. */
  readonly hosts: ReadonlyMap<string, MeshHost>
  /** By key. */
  readonly nameViews: ReadonlyMap<string, NameView>
}
