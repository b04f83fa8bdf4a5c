import { mistakesIn } from './mistake.js'

/** In documents about services. */
export const SERVICE_MISTAKES = mistakesIn('document', [
  [
    'connect 0',
    'kind: service\nservice: a\ntimeouts: { connect: 0s }\n',
    '3:13',
    'a connect timeout of zero is refused by Envo',
  ],
  [
    'version label num',
    'kind: service\nservice: a\nsubsets: { v1: { labels: { version: 1.10 } } }\n',
    '3:28',
    'put it in quotes: "1.10"',
  ],
  [
    'subset string',
    'kind: service\nservice: a\nsubsets: { v1: v1 }\n',
    '3:12',
    'write a map with some of its keys: labels, o',
  ],
  [
    'enum case',
    'kind: service\nservice: a\nloadBalancing: { policy: Round-Robin }\n',
    '3:18',
    'did you mean round-robin?',
  ],
  [
    'enum ROUND_ROBIN',
    'kind: service\nservice: a\nloadBalancing: { policy: ROUND_ROBIN }\n',
    '3:18',
    'did you mean round-robin?',
  ],
  ['protocol HTTP', 'kind: service\nservice: a\nprotocol: HTTP\n', '3:1', 'did you mean http?'],
  ['protocol https', 'kind: service\nservice: a\nprotocol: https\n', '3:1', 'did you mean http?'],
])
