import { Resolver } from 'node:dns'
import type { LookupFunction } from 'node:net'

/**
 * A lookup for `net` and `http` that asks the DNS server in the environment variable `MESH_DNS` (`address:port`). On a
 * real host the system's resolver knows `*.mesh` and no application needs this; several "hosts" on one machine have
 * one each.
 */
export function meshLookup(server: string | undefined): LookupFunction | undefined {
  if (server === undefined) return undefined
  const resolver = new Resolver({ timeout: 1000, tries: 3 })
  resolver.setServers([server])
  return (name, options, callback) => {
    resolver.resolve4(name, (error, addresses) => {
      if (error !== null) return callback(error, [])
      if (options.all === true)
        return callback(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        )
      callback(null, addresses[0] ?? '', 4)
    })
  }
}
