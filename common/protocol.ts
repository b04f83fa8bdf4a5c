import type { Protocol } from './config/fields.js'

/** How a port is carried: as requests, each with routes and rules of its own, or as bytes that nobody looks into. */
export type Carriage = 'requests' | 'bytes'

/** What an application itself speaks on its port; HTTP/2 is without TLS and without asking first, as gRPC does it. */
export type Speech = 'http1' | 'http2' | 'bytes'

/** What the protocols of the language mean. Between Envoys requests are HTTP/2, whatever the applications speak. */
const PROTOCOLS = {
  http: { carriage: 'requests', speaks: 'http1' },
  http2: { carriage: 'requests', speaks: 'http2' },
  grpc: { carriage: 'requests', speaks: 'http2' },
  tcp: { carriage: 'bytes', speaks: 'bytes' },
} as const satisfies Readonly<Record<Protocol, { readonly carriage: Carriage; readonly speaks: Speech }>>

/** How a port of this protocol is carried. */
export function carriageOf(protocol: Protocol): Carriage {
  return PROTOCOLS[protocol].carriage
}

/** What an application with a port of this protocol speaks. */
export function speechOf(protocol: Protocol): Speech {
  return PROTOCOLS[protocol].speaks
}
