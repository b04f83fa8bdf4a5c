import { mistakesIn } from './mistake.js'

/** In who may call, and in which host may run what. */
export const ACCESS_MISTAKES = mistakesIn('document', [
  ['missing dash 2', 'kind: host-policy\nhosts: web-1\nservices: [a]\n', '2:1', 'write [web-1]'],
  ['string list', 'kind: host-policy\nhosts: web-1, web-2\nservices: [a]\n', '2:1', 'write [web-1, web-2]'],
  [
    'unquoted star list',
    'kind: host-policy\nhosts: [*]\nservices: [a]\n',
    '2:9',
    'put text that starts with "*" in quotes: "*"',
  ],
  ['unquoted star', 'kind: authorization\nservice: *\n', '2:10', 'put text that starts with "*" in quotes: "*"'],
  [
    'unquoted *x',
    'kind: host-policy\nhosts:\n  - *-1\nservices: [a]\n',
    '3:5',
    'put text that starts with "*" in quotes',
  ],
  [
    'wildcard middle',
    'kind: host-policy\nhosts: [web-*-1]\nservices: [a]\n',
    '2:9',
    '"*" works alone or at the end only',
  ],
  ['wildcard start', 'kind: host-policy\nhosts: ["*-1"]\nservices: [a]\n', '2:9', '"*" works alone or at the end only'],
  [
    'from string',
    'kind: authorization\nservice: a\nallow: [{ from: web }]\n',
    '3:11',
    'write a map with some of its keys: services,',
  ],
  [
    'allow map',
    'kind: authorization\nservice: a\nallow: { from: { services: [web] } }\n',
    '3:1',
    'start each entry of the list with "- "',
  ],
  [
    'from services string',
    'kind: authorization\nservice: a\nallow: [{ from: { services: web } }]\n',
    '3:19',
    'write [web]',
  ],
  ['action deny', 'kind: authorization\nservice: a\naction: DENY\nrules: []\n', '3:1', 'unknown key `action`'],
  [
    'neither list',
    'kind: authorization\nservice: a\n',
    '1:1',
    'write allow: with who may call; allow: [] refuses everybody',
  ],
])
