import { hostId, serviceId } from '../../common/identity.js'
import type { TransportSocketSchema } from '../../common/proto/envoy/config/core/v3/base_pb.js'
import {
  type CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
import type { SdsSecretConfigSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { Carriage } from '../../common/protocol.js'
import type { Principal } from '../mesh/mesh.js'
import { ADS, type Packed, packer } from './messages.js'
import { allowSecret, CALLER_SECRET, serviceSecret, TRUST_SECRET } from './names.js'

const TLS_SOCKET = 'envoy.transport_sockets.tls'

/** Only TLS 1.3: without this, clients speak at most 1.2 and servers at least 1.2. */
const TLS_PARAMETERS = {
  tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
  tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
}

/** What is the same in every context, but for the protocols that it offers. */
const COMMON = {
  requests: { tlsParams: TLS_PARAMETERS, alpnProtocols: ['h2'] },
  bytes: { tlsParams: TLS_PARAMETERS },
}

/** How a connection to another host's Envoy is made. */
export interface UpstreamTls {
  readonly serverName: string
  /** The identity that the callee must present. */
  readonly spiffeId: string
  readonly carriage: Carriage
  /** The service whose identity is presented; absent: the host's caller. */
  readonly as: string | undefined
}

// Resumed sessions would skip the check of the certificate.
const UPSTREAM = { maxSessionKeys: 0 }

const packUpstream = {
  requests: packer(UpstreamTlsContextSchema, { ...UPSTREAM, commonTlsContext: COMMON.requests }),
  bytes: packer(UpstreamTlsContextSchema, { ...UPSTREAM, commonTlsContext: COMMON.bytes }),
}

/** Mutual TLS towards a callee: our certificate, its name, and exactly the identity that it must present. */
export function upstreamTls({ serverName, spiffeId, carriage, as }: UpstreamTls): Given<typeof TransportSocketSchema> {
  return tlsSocket(
    packUpstream[carriage]({
      sni: serverName,
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [secret(as === undefined ? CALLER_SECRET : serviceSecret(as))],
        validationContextType: trusted([{ kind: 'exact', spiffeId }]),
      },
    }),
  )
}

/** How an inbound filter chain takes connections. */
export interface DownstreamTls {
  readonly service: string
  /** `payments/main` */
  readonly port: string
  readonly carriage: Carriage
  readonly trustDomain: string
}

const DOWNSTREAM = {
  requireClientCertificate: true,
  sessionTicketKeysType: { case: 'disableStatelessSessionResumption', value: true },
  disableStatefulSessionResumption: true,
} as const

const packDownstream = {
  requests: packer(DownstreamTlsContextSchema, { ...DOWNSTREAM, commonTlsContext: COMMON.requests }),
  bytes: packer(DownstreamTlsContextSchema, { ...DOWNSTREAM, commonTlsContext: COMMON.bytes }),
}

/**
 * Mutual TLS from callers: a port that carries requests takes every identity of the mesh (what it may do is decided by
 * request), one that carries bytes only those in its allow list, a secret of its own, so that a change of rules drains no connection.
 */
export function downstreamTls({
  service,
  port,
  carriage,
  trustDomain,
}: DownstreamTls): Given<typeof TransportSocketSchema> {
  return tlsSocket(
    packDownstream[carriage]({
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [secret(serviceSecret(service))],
        validationContextType:
          carriage === 'requests'
            ? trusted(anybody(trustDomain))
            : { case: 'validationContextSdsSecretConfig', value: secret(allowSecret(port)) },
      },
    }),
  )
}

function tlsSocket(context: Packed): Given<typeof TransportSocketSchema> {
  return { name: TLS_SOCKET, configType: { case: 'typedConfig', value: context } }
}

/** Every service and host of the mesh; control planes are no callers. */
function anybody(trustDomain: string): readonly Principal[] {
  return [
    { kind: 'prefix', prefix: hostId(trustDomain, '') },
    { kind: 'prefix', prefix: serviceId(trustDomain, '') },
  ]
}

/** The validation context of a tcp port: the roots, and who may connect. */
export function allowContext(
  trustBundlePem: string,
  principals: readonly Principal[],
): Given<typeof CertificateValidationContextSchema> {
  return {
    trustedCa: { specifier: { case: 'inlineString', value: trustBundlePem } },
    // Without a matcher anybody with a certificate of the CA would pass: an empty list must match nobody instead.
    matchTypedSubjectAltNames: (principals.length === 0 ? [NOBODY] : principals).map(uriMatcher),
  }
}

/** No SPIFFE ID is this text: IDs have no spaces. */
const NOBODY: Principal = { kind: 'exact', spiffeId: 'spiffe:// nobody' }

function trusted(principals: readonly Principal[]) {
  return {
    case: 'combinedValidationContext' as const,
    value: {
      defaultValidationContext: { matchTypedSubjectAltNames: principals.map(uriMatcher) },
      validationContextSdsSecretConfig: secret(TRUST_SECRET),
    },
  }
}

function uriMatcher(principal: Principal): Given<typeof SubjectAltNameMatcherSchema> {
  const matchPattern =
    principal.kind === 'exact'
      ? { case: 'exact' as const, value: principal.spiffeId }
      : { case: 'prefix' as const, value: principal.prefix }
  return { sanType: SubjectAltNameMatcher_SanType.URI, matcher: { matchPattern } }
}

function secret(name: string): Given<typeof SdsSecretConfigSchema> {
  return { name, sdsConfig: ADS }
}
