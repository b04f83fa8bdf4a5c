import { mistakesIn } from './mistake.js'

/** In the settings of an agent. */
export const AGENT_MISTAKES = mistakesIn('agent', [
  ['a host name in capitals', 'host: Web-1\n', '1:1', 'write web-1'],
  ['address with port', 'address: 10.0.0.1:15006\n', '1:1', 'write an IP address'],
  ['address name', 'address: web-1\n', '1:1', 'write an IP address'],
  ['small range', 'names: { range: 127.80.0.0/24 }\n', '1:10', 'write an IPv4 range of /16 or larger, such a'],
  ['control planes as text', 'controlPlanes: 10.0.0.2:15012\n', '1:1', 'write [10.0.0.2:15012]'],
  ['control plane without port', 'controlPlanes: [10.0.0.2]\n', '1:17', 'write for example "10.0.0.2:15012" or "[fd00'],
  ['envoy as path', 'envoy: /usr/bin/envoy\n', '1:1', 'write a map with some of its keys: path, con'],
  ['a level of another program', 'logLevel: warning\n', '1:1', 'write debug, info, warn or error'],
  ['snake case', 'control_planes: ["10.0.0.2:15012"]\n', '1:1', 'did you mean `controlPlanes`?'],
  ['concurrency zero', 'envoy: { concurrency: 0 }\n', '1:10', '0 is out of range: must be at least 1'],
])
