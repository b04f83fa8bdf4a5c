import type { Protocol } from './fields.js'

/** Ports on which well-known tcp protocols live: databases, caches, brokers, directories, mail. */
const TCP_PORTS: ReadonlySet<number> = new Set([
  25, 110, 143, 389, 636, 1433, 1521, 1883, 2181, 3306, 4222, 5432, 5671, 5672, 6379, 6380, 8883, 9042, 9092, 9093,
  11211, 26379, 27017, 27018, 33060,
])

/** The protocol of a port for which nobody wrote one: http, except where a well-known tcp protocol lives. */
export function defaultProtocol(port: number): Protocol {
  return TCP_PORTS.has(port) ? 'tcp' : 'http'
}
