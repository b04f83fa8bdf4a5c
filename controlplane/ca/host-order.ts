import type { HostRecord, HostsState } from './host-record.js'

/** Hosts by name. */
export function byName({ hosts }: HostsState): ReadonlyMap<string, HostRecord> {
  return new Map(hosts.map((record) => [record.host, record]))
}

/** The state with this record in the place of the host's old one, sorted. */
export function withRecord(state: HostsState, record: HostRecord): HostsState {
  const replaced = recordOf(state, record.host) === undefined ? 0 : 1
  return { hosts: state.hosts.toSpliced(placeOf(state, record.host), replaced, record) }
}

/** The record of a host; undefined where there is none. */
export function recordOf(state: HostsState, host: string): HostRecord | undefined {
  const record = state.hosts[placeOf(state, host)]
  return record?.host === host ? record : undefined
}

/** How many hosts come before this name: they are sorted, and thousands may ask for certificates at once. */
function placeOf({ hosts }: HostsState, host: string): number {
  let [from, to] = [0, hosts.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((hosts[middle]?.host ?? '') < host) from = middle + 1
    else to = middle
  }
  return from
}
