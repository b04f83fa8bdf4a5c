import { SocketAddress_Protocol } from '../../common/proto/envoy/config/core/v3/address_pb.js'
import type { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import type { DnsTable_DnsVirtualDomainSchema } from '../../common/proto/envoy/data/dns/v3/dns_table_pb.js'
import { DnsFilterConfigSchema } from '../../common/proto/envoy/extensions/filters/udp/dns_filter/v3/dns_filter_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { NameView } from '../mesh/mesh.js'
import { duration, pack } from './messages.js'
import { DNS_LISTENER } from './names.js'

/** How long resolvers may keep an answer, milliseconds: addresses of services do not change. */
const ANSWER_TTL_MS = 60_000

/**
 * Room for questions that come at once, as a socket option. The kernel's default holds 256, and a question that finds no
 * room is asked again only after seconds. The kernel gives what `net.core.rmem_max` allows, 512 unless it was raised.
 */
const RECEIVE_BUFFER = {
  description: 'SO_RCVBUF',
  level: 1n,
  name: 8n,
  value: { case: 'intValue' as const, value: 4n * 1024n * 1024n },
}

/**
 * Answers the names of all services on UDP, so that names outlive the agent. Every name has its IPv4 address, and the
 * same mapped into IPv6 for AAAA: without one the filter says that the name does not exist, and some resolvers believe
 * that for both.
 */
export function buildDnsListener({ dns, anyCase, addresses }: NameView, domain: string): Given<typeof ListenerSchema> {
  return {
    name: DNS_LISTENER,
    address: {
      address: {
        case: 'socketAddress',
        value: {
          protocol: SocketAddress_Protocol.UDP,
          address: dns.address,
          portSpecifier: { case: 'portValue', value: dns.port },
        },
      },
    },
    socketOptions: [RECEIVE_BUFFER],
    listenerFilters: [
      {
        name: 'envoy.filters.udp.dns_filter',
        configType: {
          case: 'typedConfig',
          value: pack(DnsFilterConfigSchema, {
            statPrefix: 'names',
            // Programs ask as people wrote the name, and some forwarders (dnsmasq from 2.91 on) mix the case on purpose.
            caseInsensitive: anyCase,
            serverConfig: {
              configSource: {
                case: 'inlineDnsTable',
                value: {
                  virtualDomains: addresses.map((name) => virtualDomain(name, domain)),
                },
              },
            },
          }),
        },
      },
    ],
  }
}

function virtualDomain(
  { service, address }: NameView['addresses'][number],
  domain: string,
): Given<typeof DnsTable_DnsVirtualDomainSchema> {
  return {
    name: `${service}.${domain}`,
    answerTtl: duration(ANSWER_TTL_MS),
    endpoint: {
      endpointConfig: { case: 'addressList', value: { address: [address, `::ffff:${address}`] } },
    },
  }
}
