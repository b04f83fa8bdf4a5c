/** The table that the agent's rule stands in; nothing else of the host's firewall is touched. */
const TABLE = 'table ip mesh_names'

const HEADER = `#!/usr/sbin/nft -f
# Made by mesh agent. Loading it again changes nothing.
${TABLE}
delete ${TABLE}
`

/**
 * The rule that sends connections to the host's virtual addresses to Envoy, as a file for `nft -f`. It replaces the table
 * as a whole in one step, so that loading it twice is loading it once.
 *
 * @param range of virtual addresses, CIDR
 * @param port where Envoy takes redirected connections, on 127.0.0.1
 */
export function buildNamesRule(range: string, port: number): string {
  return `${HEADER}${TABLE} {
  chain output {
    type nat hook output priority -100; policy accept;
    ip daddr ${range} meta l4proto tcp redirect to :${port}
  }
}
`
}

/** The file that takes the rule away, whether it is there or not. */
export const NO_NAMES_RULE = HEADER
