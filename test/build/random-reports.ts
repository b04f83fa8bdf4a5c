import type { HostFacts, ServiceFacts } from '../../controlplane/catalog/report.js'
import type { Dice } from './dice.js'

/** So few, and with such names, that they are in each other's way. `mesh` is the name of the domain. */
export const SERVICES = ['a', 'a-b', 'db', 'mesh', 'web'] as const

const PROTOCOLS = ['http', 'http', 'http2', 'grpc', 'tcp'] as const

/** What a host may say of itself. */
export function randomFacts(host: string, dice: Dice): HostFacts {
  const address = dice.chance(0.05) ? '10.0.0.1' : `10.0.1.${host.length * 16 + host.charCodeAt(host.length - 1)}`
  const redirected = dice.chance(0.4)
  return {
    advertised: { address, port: 15006 },
    inbound: { address, port: 15006 },
    region: dice.one(['', 'eu']),
    zone: dice.one(['', 'eu-1', 'eu-2']),
    labels: dice.chance(0.2) ? { rack: `r${dice.below(2)}` } : {},
    agentVersion: '1',
    envoyVersion: dice.one(['1.40.0', '1.40.0', '1.37.0', '']),
    namesRange: dice.one(['127.80.0.0/12', '127.80.0.0/12', '127.99.0.0/16', '']),
    namesDns: `${address}:15053`,
    namesRedirectPort: redirected ? 15001 : 0,
    namesProblem: '',
    occupiedPorts: [...dice.some([22, 80, 8080, 8081, 5432], 0.2)],
    portHolders: [],
    caller: dice.one(['', 'a', 'web']),
    applicationAddress: dice.one(['127.0.0.1', address]),
    envoyMetrics: '',
    agentMetrics: '',
  }
}

/** What a host may say of what it runs. */
export function randomServices(dice: Dice): readonly ServiceFacts[] {
  return dice.some(SERVICES, 0.4).flatMap((service) => {
    const first = randomService(service, 0, dice)
    return dice.chance(0.15) ? [first, randomService(service, 15100, dice)] : [first]
  })
}

/** The services with one of them another one than before. */
export function otherService(services: readonly ServiceFacts[], dice: Dice): readonly ServiceFacts[] {
  const changed = dice.below(services.length)
  const change = dice.one<(one: ServiceFacts) => Partial<ServiceFacts>>([
    () => ({ health: dice.one(['passing', 'critical', 'draining'] as const) }),
    () => ({ healthDetail: `checked ${dice.below(1000)} times` }),
    () => ({ weight: dice.one([1, 100]) }),
    () => ({ labels: randomLabels(dice) }),
    ({ inboundPort }) => ({ ports: randomPorts(inboundPort, dice) }),
    () => ({ upstreams: randomUpstreams(dice) }),
    () => ({}),
  ])
  return services.map((one, index) => (index === changed ? { ...one, ...change(one) } : structuredClone(one)))
}

function randomService(service: string, inboundPort: number, dice: Dice): ServiceFacts {
  return {
    service,
    ports: randomPorts(inboundPort, dice),
    labels: randomLabels(dice),
    weight: dice.one([100, 100, 50]),
    health: dice.one(['passing', 'passing', 'critical', 'draining'] as const),
    healthDetail: '',
    source: `services.d/${service}.yaml:${1 + dice.below(2)}`,
    exposedAt: [],
    upstreams: randomUpstreams(dice),
    inboundPort,
  }
}

function randomLabels(dice: Dice): ServiceFacts['labels'] {
  return dice.chance(0.5) ? { version: `v${1 + dice.below(2)}` } : {}
}

function randomPorts(inboundPort: number, dice: Dice): ServiceFacts['ports'] {
  const names = ['main', ...dice.some(['admin', 'bytes'], 0.2)]
  return names.map((name, index) => ({
    name,
    port: (inboundPort === 0 ? dice.one([8080, 8080, 8081, 80, 5432]) : 9090) + index * 100,
    protocol: name === 'bytes' ? 'tcp' : dice.one(PROTOCOLS),
    assumed: false,
  }))
}

function randomUpstreams(dice: Dice): ServiceFacts['upstreams'] {
  return dice.some([...SERVICES, 'nobody'], 0.15).map((service) => ({
    service,
    port: dice.one(['', '', 'main', 'admin']),
    bind: dice.chance(0.2)
      ? { kind: 'pipe', path: `/run/${service}.sock`, mode: 0o660 }
      : { kind: 'tcp', address: '127.0.0.1', port: 7000 + dice.below(4) },
  }))
}
