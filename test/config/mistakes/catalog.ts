import { mistakesIn } from './mistake.js'

/** In instances that files list. */
export const CATALOG_MISTAKES = mistakesIn('document', [
  [
    'addr url',
    'kind: catalog\nservice: a\ninstances: [{ address: "http://10.0.0.1", port: 80 }]\n',
    '3:15',
    'write for example 10.0.9.5',
  ],
  [
    'addr port',
    'kind: catalog\nservice: a\ninstances: [{ address: "10.0.0.1:80", port: 80 }]\n',
    '3:15',
    'write for example 10.0.9.5',
  ],
  [
    'addr zero',
    'kind: catalog\nservice: a\ninstances: [{ address: 010.0.0.1, port: 80 }]\n',
    '3:15',
    'write for example 10.0.9.5',
  ],
  [
    'addr cidr',
    'kind: catalog\nservice: a\ninstances: [{ address: 10.0.0.0/24, port: 80 }]\n',
    '3:15',
    'write for example 10.0.9.5',
  ],
  [
    'metadata addr',
    'kind: catalog\nservice: a\ninstances: [{ address: 169.254.169.254, port: 80 }]\n',
    '3:15',
    'write an address that leads to the same mach',
  ],
  [
    'loopback addr',
    'kind: catalog\nservice: a\ninstances: [{ address: 127.0.0.1, port: 80 }]\n',
    '3:15',
    'write an address that leads to the same mach',
  ],
  [
    'any addr',
    'kind: catalog\nservice: a\ninstances: [{ address: 0.0.0.0, port: 80 }]\n',
    '3:15',
    'write the address of the machine',
  ],
])
