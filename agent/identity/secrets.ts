import { createHash } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import { type Secret, SecretSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import type { Resource, ResourceSet } from '../../common/xds/resource.js'
import { SECRET } from '../../common/xds/types.js'
import type { Credentials, HeldKeyPair } from './certificates.js'

/**
 * The secrets that the agent itself answers, under names that are relative to the host: `caller` is what calls by name
 * present, `svc/<service>` what a service presents, `trust` whom Envoy believes. So the control plane sends every host
 * the same clusters, and no private key ever passes through it.
 *
 * @param caller the service whose identity calls by name carry; undefined: the host's own
 */
export function buildSecrets(credentials: Credentials, caller: string | undefined): ResourceSet {
  const callerPair = caller === undefined ? credentials.host : credentials.services.get(caller)
  const secrets = [
    validationContext(credentials.trustBundlePem),
    ...(callerPair === undefined ? [] : [tlsCertificate('caller', callerPair)]),
    ...[...credentials.services].map(([service, pair]) => tlsCertificate(`svc/${service}`, pair)),
  ]
  return new Map([[SECRET, new Map(secrets.map((secret) => [secret.name, encode(secret)]))]])
}

function tlsCertificate(name: string, { keyPem, chainPem }: HeldKeyPair): Secret {
  return create(SecretSchema, {
    name,
    type: {
      case: 'tlsCertificate',
      value: { certificateChain: inline(chainPem), privateKey: inline(keyPem) },
    },
  })
}

function validationContext(trustBundlePem: string): Secret {
  return create(SecretSchema, {
    name: 'trust',
    type: { case: 'validationContext', value: { trustedCa: inline(trustBundlePem) } },
  })
}

function inline(text: string) {
  return { specifier: { case: 'inlineString' as const, value: text } }
}

function encode(secret: Secret): Resource {
  const bytes = toBinary(SecretSchema, secret)
  return {
    type: SECRET,
    name: secret.name,
    version: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    bytes,
  }
}
