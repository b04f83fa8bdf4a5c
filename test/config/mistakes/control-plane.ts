import { mistakesIn } from './mistake.js'

/** In the settings of a control plane. */
export const CONTROL_PLANE_MISTAKES = mistakesIn('controlplane', [
  ['no trust domain', 'id: cp-1\n', '1:1', '`trustDomain` is missing'],
  ['trust domain as url', 'trustDomain: spiffe://mesh.example\n', '1:1', '"spiffe://mesh.example" is not a host name:'],
  ['listen on a port', 'trustDomain: a.b\nlisten: 15012\n', '2:1', 'is a port without an address: write for exam'],
  ['listen :port', 'trustDomain: a.b\nlisten: ":15012"\n', '2:1', 'write "127.0.0.1:15012"'],
  ['long leaves', 'trustDomain: a.b\nca: { leafTtl: 168h }\n', '2:7', 'from 10s to 72h'],
  ['days', 'trustDomain: a.b\nca: { leafTtl: 3d }\n', '2:7', 'write it in hours: "72h"'],
  [
    'a setting that would have no effect',
    'trustDomain: a.b\ndiscovery: { agents: false }\n',
    '2:14',
    'what agents report always counts',
  ],
  ['config as text', 'trustDomain: a.b\nconfig: /etc/mesh/mesh.d\n', '2:1', 'write [/etc/mesh/mesh.d]'],
  ['agent key on the control plane', 'trustDomain: a.b\nhost: web-1\n', '2:1', 'unknown key `host`'],
])
