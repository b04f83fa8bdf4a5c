import { mistakesIn } from './mistake.js'

/** In what a rule of a route matches: paths, methods, headers, regular expressions. */
export const MATCH_MISTAKES = mistakesIn('document', [
  [
    'no slash',
    'kind: route\nservice: a\nrules:\n  - match: { path: { prefix: v2 } }\n',
    '4:22',
    'a path starts with "/"',
  ],
  [
    'path string',
    'kind: route\nservice: a\nrules:\n  - match: { path: /v2 }\n',
    '4:14',
    'write a map with some of its keys: exact, pr',
  ],
  [
    'path glob',
    'kind: route\nservice: a\nrules:\n  - match: { path: { prefix: "/v2/*" } }\n',
    '4:22',
    'if it shall stand for anything, write { pref',
  ],
  [
    'method lower',
    'kind: route\nservice: a\nrules:\n  - match: { method: [get] }\n',
    '4:23',
    'write methods in capitals, such as GET',
  ],
  ['method single', 'kind: route\nservice: a\nrules:\n  - match: { method: GET }\n', '4:14', 'write [GET]'],
  [
    'header upper',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { X-Canary: present } }\n',
    '4:25',
    'write header names in lower case',
  ],
  [
    'header string',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x-canary: "1" } }\n',
    '4:25',
    'write a map with some of its keys: exact, re',
  ],
  [
    'header num',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x-canary: { exact: 1 } } }\n',
    '4:37',
    'put it in quotes: "1"',
  ],
  [
    'header true',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x-canary: { exact: true } } }\n',
    '4:37',
    'put it in quotes: "true"',
  ],
  [
    'regex lookahead',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x: { regex: "^(?!a)" } } }\n',
    '4:30',
    'RE2 knows no look-ahead, look-behind and bac',
  ],
  [
    'regex backref',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x: { regex: "(a)\\\\1" } } }\n',
    '4:30',
    'RE2 knows no look-ahead, look-behind and bac',
  ],
  [
    'regex big',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x: { regex: "(a{1000}){5}" } } }\n',
    '4:30',
    'RE2 knows no look-ahead, look-behind and bac',
  ],
  [
    'regex unclosed',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x: { regex: "(a" } } }\n',
    '4:30',
    'RE2 knows no look-ahead, look-behind and bac',
  ],
  [
    'anchor alias',
    'kind: route\nservice: a\nrules:\n  - match: &m { method: [GET] }\n  - match: *m\n    timeout: 1\n',
    '6:5',
    'write a unit: "1s" or "1ms"',
  ],
  [
    'undefined alias',
    'kind: route\nservice: a\nrules: [{ match: *m }]\n',
    '3:18',
    'put text that starts with "*" in quotes',
  ],
  [
    'a regular expression that is too large',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x: { regex: "[a-z]{1000}[a-z]{1000}" } } }\n',
    '4:30',
    'make repetitions such as {1000} smaller',
  ],
  [
    'a class of letters twice',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x: { regex: "\\\\p{L}\\\\p{L}" } } }\n',
    '4:30',
    'make repetitions such as {1000} smaller',
  ],
])
