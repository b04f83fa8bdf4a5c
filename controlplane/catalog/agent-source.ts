import { parseSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import type { HostReports } from './agents.js'
import type { CatalogHost, HostNames, Instance, InstancePort, Locality } from './catalog.js'
import type { HostFacts, ServiceFacts } from './report.js'

/** The instances that a host's agent reports, as of a host with a live session. */
export function agentInstances(reports: HostReports): readonly Instance[] {
  return reports.services.map((facts) => instanceOf(reports, facts))
}

function instanceOf({ host, facts }: HostReports, service: ServiceFacts): Instance {
  const ports = service.ports.map(portOf)
  return {
    id: instanceId(service.service, host, ports[0]?.port ?? 0),
    service: service.service,
    host,
    reach: 'mesh',
    endpoint: endpointOf(facts, service),
    ports,
    labels: { ...localityLabels(localityOf(facts)), ...facts.labels, ...service.labels },
    locality: localityOf(facts),
    weight: service.weight,
    health: service.health,
    healthDetail: service.healthDetail,
    presence: 'live',
    provenance: [{ source: 'agent', host, place: service.source }],
  }
}

/** Behind NAT only the main port may differ from that of the listener: further ones are advertised as they are. */
function endpointOf({ advertised }: HostFacts, { inboundPort }: ServiceFacts): SocketAddress {
  return inboundPort === 0 ? advertised : { address: advertised.address, port: inboundPort }
}

/** The key of the merge: which service, on which host or address, by the port of its application. */
export function instanceId(service: string, hostOrAddress: string, port: number): string {
  return `${service}@${hostOrAddress}:${port}`
}

/** What a host's Envoy has to be given, as its agent describes it. */
export function agentHost({ host, facts, services }: HostReports): CatalogHost {
  const names = namesOf(facts)
  return {
    name: host,
    inbound: facts.inbound,
    applicationAddress: facts.applicationAddress,
    locality: localityOf(facts),
    labels: facts.labels,
    ...(names === undefined ? {} : { names }),
    ...(facts.caller === '' ? {} : { caller: facts.caller }),
    services: services
      .map(({ service, ports, inboundPort }) => ({
        service,
        ports: ports.map(portOf),
        ...(inboundPort === 0 ? {} : { inboundPort }),
      }))
      .sort((a, b) =>
        a.service === b.service ? (a.inboundPort ?? 0) - (b.inboundPort ?? 0) : a.service < b.service ? -1 : 1,
      ),
    upstreams: services.flatMap(({ service: declaredBy, source, upstreams }) =>
      upstreams.map(({ service, bind, port }) => ({
        declaredBy,
        service,
        ...(port === '' ? {} : { port }),
        bind,
        place: `${host}:${source}`,
      })),
    ),
    ...(facts.envoyVersion === '' ? {} : { envoyVersion: facts.envoyVersion }),
  }
}

function portOf({ name, port, protocol }: ServiceFacts['ports'][number]): InstancePort {
  return { name, port, protocol }
}

function namesOf(facts: HostFacts): HostNames | undefined {
  const dns = parseSocketAddress(facts.namesDns)
  if (facts.namesRange === '' || dns === undefined) return undefined
  return {
    range: facts.namesRange,
    dns,
    occupiedPorts: [...facts.occupiedPorts].sort((a, b) => a - b),
    ...(facts.namesRedirectPort === 0 ? {} : { redirectPort: facts.namesRedirectPort }),
  }
}

function localityOf({ region, zone }: HostFacts): Locality {
  return { ...(region === '' ? {} : { region }), ...(zone === '' ? {} : { zone }) }
}

/** Region and zone as labels, so that subsets can select by them. */
export function localityLabels({ region, zone }: Locality): Record<string, string> {
  return { ...(region === undefined ? {} : { region }), ...(zone === undefined ? {} : { zone }) }
}
