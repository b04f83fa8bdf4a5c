/**
 * The JSON that the control plane's admin socket and status port speak, shared with the `mesh` command. Times are
 * ISO 8601 texts; fields are only ever added.
 */

/** `GET /v1/status` */
export interface StatusView {
  readonly id: string
  readonly version: string
  readonly trustDomain: string
  readonly domain: string
  readonly startedAt: string
  readonly hosts: { readonly total: number; readonly live: number; readonly synced: number; readonly rejected: number }
  readonly services: {
    readonly total: number
    /** With an instance whose check passes. */
    readonly healthy: number
    /** Others, of which files name an instance that nobody checks. */
    readonly unchecked: number
  }
  readonly sources: readonly {
    readonly name: string
    /** When it could be read last. */
    readonly readAt: string
    /** When it said something else last, where that is known. */
    readonly changedAt?: string
    readonly detail: string
  }[]
  /** The certificate of the mesh that expires first. */
  readonly soonestExpiry: { readonly subject: string; readonly at: string } | undefined
  readonly problems: readonly ProblemView[]
}

/** A problem of a document, a host or a refused resource, for people. */
export interface ProblemView {
  /** `routes.d/payments.yaml:4:7`; a host's name where the place is a host. */
  readonly place: string
  readonly severity: 'error' | 'notice'
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** A resource that a host's Envoy refuses. */
export interface RefusalView {
  readonly type: string
  readonly name: string
  readonly version: string
  /** Envoy's own text. */
  readonly error: string
  /** The documents that the resource was made from: `routes.d/payments.yaml:1`. */
  readonly documents: readonly string[]
}

/** `GET /v1/hosts` */
export interface HostView {
  readonly host: string
  readonly status: 'live' | 'lost' | 'unconfirmed' | 'left' | 'banned' | 'enrolled'
  /** Since when it has this status; `left`: since its agent was stopped in order. */
  readonly since: string | undefined
  readonly address: string | undefined
  /** What it runs; of a host that left: what it ran. */
  readonly services: readonly string[]
  readonly envoy: { readonly state: string; readonly version: string; readonly restarts: number } | undefined
  readonly agentVersion: string | undefined
  /** xDS resources sent to the host since its stream began: 0 when it had everything already. */
  readonly resourcesSent: number | undefined
  readonly sync: 'SYNCED' | 'STALE' | 'REJECTED' | undefined
  readonly refused: readonly RefusalView[]
  readonly certificateExpiry: string | undefined
  /** What is wrong with its service files, errors first; the place has the host in front. */
  readonly problems: readonly ProblemView[]
  /** What else a person should know, in words. */
  readonly notes: readonly string[]
}

/** `GET /v1/services` */
export interface ServiceView {
  readonly service: string
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[]
  /** Where it is called: `payments.mesh`. */
  readonly name: string
  readonly instances: readonly InstanceView[]
}

/** An instance with where it was learned. */
export interface InstanceView {
  readonly id: string
  readonly host: string | undefined
  readonly ports: ServiceView['ports']
  readonly endpoint: string
  readonly reach: 'mesh' | 'plain'
  readonly version: string | undefined
  readonly labels: Readonly<Record<string, string>>
  /** `unchecked`: nobody asks it, and it is called as if it were well. */
  readonly health: 'passing' | 'critical' | 'draining' | 'unchecked'
  readonly detail: string
  readonly presence: 'live' | 'unknown'
  readonly provenance: readonly string[]
}

/** `GET /v1/services/:service`: the service with what is in effect for it, and where that is written. */
export interface ServiceDescription extends ServiceView {
  /** In the order of the first instance's file. */
  readonly ports: readonly PortDescription[]
  readonly instances: readonly InstanceDescription[]
  /** Sorted by host. */
  readonly absent: readonly AbsentHostView[]
  readonly settings: readonly SettingView[]
  readonly subsets: readonly {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    /** How many instances requests for it can go to now. */
    readonly instances: number
    readonly from: string
  }[]
  readonly access: {
    /** Deny before allow, as they are looked at. */
    readonly rules: readonly AccessRuleView[]
    /** What happens to a call that no rule names, in words. */
    readonly otherwise: string
  }
  /** Port by port in the order in which they are tried; then those of documents that are in effect for no port. */
  readonly routes: readonly RouteRuleView[]
  /** What no rule matches, for the ports where anything is left. */
  readonly unmatched: readonly ForwardingView[]
  /** Of all that the status tells: those that stand in the service's documents, name it, or are errors of its hosts. */
  readonly problems: readonly ProblemView[]
}

/** A port of a service as its callers see it. */
export interface PortDescription {
  readonly name: string
  /** The first of its numbers. */
  readonly port: number
  /** On which callers by name find it, sorted: those of the instances, and 80 where it answers there too. */
  readonly numbers: readonly number[]
  readonly protocol: string
  /** Who says the protocol: `mesh.d/payments.yaml:4`, or `instances`. */
  readonly from: string
  readonly carriage: 'requests' | 'bytes'
  /** How callers reach its instances: with mutual TLS, or in plain text because they are outside the mesh. */
  readonly reach: 'mesh' | 'plain'
  /** What a person should know, in words. */
  readonly notes: readonly string[]
}

/** An instance with why it gets no requests. */
export interface InstanceDescription extends InstanceView {
  /** Whether callers are given it on any of its ports. */
  readonly used: boolean
  /** Why it gets none, or not on every port, or not for long, in words. */
  readonly notes: readonly string[]
}

/** A host from which an instance could be expected, and why none of it is known. */
export interface AbsentHostView {
  readonly host: string
  readonly why: string
}

/** A setting of a service as it is in effect. */
export interface SettingView {
  /** Its path in a document: `timeouts.connect`. */
  readonly setting: string
  /** As documents write it; a number is of this unit. */
  readonly value: unknown
  readonly unit?: 'ms' | 'bytes' | '%'
  /** `mesh.d/payments.yaml:4`, or `default`. */
  readonly from: string
}

/** One rule of authorization. */
export interface AccessRuleView {
  readonly effect: 'deny' | 'allow'
  /** As statistics and access logs name it. */
  readonly name: string
  /** Callers and requests as the document writes them; absent: any. */
  readonly callers?: unknown
  readonly to?: unknown
  /** The same in words: `web, shop-*`, `GET, POST /charge…`. */
  readonly who: string
  readonly what: string
  readonly inEffect: boolean
  /** Why it is not in effect, or means something else for one of the ports. */
  readonly notes: readonly string[]
  readonly from: string
}

/** What happens to requests or connections of a port. */
export interface ForwardingView {
  /** The named port, `main`; absent: those of a service of which nothing is known. */
  readonly port?: string
  /** In words: `GET, POST and path /charge…`; `every request`. */
  readonly match: string
  /** In words: `90% to payments/main/v1, 10% to payments/main/v2`. */
  readonly goes: string
  /** In effect, from the rule, its service or the default: milliseconds, or `off`. Absent where there is no limit to be told. */
  readonly timeout?: number | 'off'
  /** In effect, as `timeout` is. */
  readonly retry?: RetryView
  /** Why nothing is done by a rule, where nobody answers, and what else a person should know, in words. */
  readonly notes: readonly string[]
}

/** How often and when a request is tried again. */
export interface RetryView {
  /** Tries after the first; 0: it is never tried again. */
  readonly retries: number
  /** How long one try may take, milliseconds; absent: as long as the request. */
  readonly perTry?: number
  /** Absent: when the settings of the service say so. */
  readonly on?: readonly string[]
  /** Absent: all. */
  readonly methods?: readonly string[]
}

/** One rule of a route document for one port. */
export interface RouteRuleView extends ForwardingView {
  readonly name: string
  /** Its keys as they are written. */
  readonly rule: unknown
  /** False where nothing is done by the rule; the notes say why. */
  readonly inEffect: boolean
  readonly from: string
}

/** `GET /v1/prometheus/targets`: a list of these, as Prometheus' HTTP service discovery reads it. */
export interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

/** `POST /v1/tokens` */
export interface TokenRequest {
  /** A host name, or a pattern that ends in `*`. */
  readonly host: string
  /** Services that the host may run; patterns allowed. */
  readonly services: readonly string[]
  readonly uses?: number
  readonly ttlMs?: number
}

/** The answer to {@link TokenRequest}; the text is shown this once. */
export interface TokenCreated {
  readonly id: string
  readonly token: string
  /** The control plane that made it. */
  readonly controlPlane: string
  readonly expiresAt: string
}

/** `GET /v1/tokens` */
export interface TokenView {
  readonly id: string
  readonly host: string
  readonly services: readonly string[]
  readonly uses: number
  readonly used: number
  readonly expiresAt: string
}

/** The answer to `POST /v1/hosts/<host>/ban`, `/evict` and `/admit`. */
export interface HostChanged {
  readonly host: string
  /** Whether this control plane had heard of the host before. */
  readonly known: boolean
  /** Connections that were ended. */
  readonly disconnected: number
}

/** What every refused request answers with, beside its HTTP status. */
export interface AdminError {
  readonly error: string
  readonly hint?: string
}
