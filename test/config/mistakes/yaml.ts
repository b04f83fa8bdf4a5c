import { mistakesIn } from './mistake.js'

/** In the YAML itself. */
export const YAML_MISTAKES = mistakesIn('document', [
  ['mesh deny bool', 'kind: mesh\nauthorization: off\n', '2:1', 'write allow or deny'],
  ['mesh yes', 'kind: mesh\ntls: yes\n', '2:1', '"yes" is not one of: strict, permissive, off'],
  [
    'dup key',
    'kind: mesh\nauthorization: deny\nauthorization: allow\n',
    '3:1',
    'key `authorization` stands twice in one map',
  ],
  ['merge', 'kind: mesh\n<<: { authorization: deny }\n', '2:1', 'write the keys out'],
  ['BOM mid', 'kind: mesh\n---\n﻿kind: mesh\n', '3:1', 'remove it; files that were joined have one e'],
  ['CRLF', 'kind: mesh\r\nauthorization: denie\r\n', '2:1', 'did you mean deny?'],
  ['CR', 'kind: mesh\rauthorization: deny\r', '1:7', 'start a new line, write { … } around them, o'],
  [
    'git conflict',
    'kind: mesh\n<<<<<<< HEAD\nauthorization: deny\n=======\nauthorization: allow\n>>>>>>> x\n',
    '2:1',
    'resolve the conflict in this file',
  ],
  ['colon no space', 'kind:mesh\nauthorization: deny\n', '1:1', 'put a colon and a space after the key, and a'],
])
