import { mistakesIn } from './mistake.js'

/** Documents of other programs, of no known kind, or none at all. */
export const FOREIGN_MISTAKES = mistakesIn('document', [
  ['a kind in capitals', 'kind: Route\nservice: a\n', '1:1', 'did you mean route?'],
  ['a kind in the plural', 'kind: routes\nservice: a\n', '1:1', 'did you mean route?'],
  [
    "Kuma's document",
    'type: MeshTimeout\nmesh: default\nname: x\n',
    '1:1',
    'write kind: service (timeouts); `mesh import',
  ],
  ["Consul's document", 'Kind: service-splitter\nName: web\n', '1:1', 'write kind: route with split; `mesh import`'],
  [
    "Consul's document in HCL",
    'Kind = "service-splitter"\nName = "web"\n',
    '1:1',
    'this looks like HCL or TOML; write kind: … i',
  ],
  [
    'a document of Kubernetes',
    'apiVersion: v1\nkind: Service\nmetadata: {name: a}\n',
    '1:1',
    'write it in the words of this mesh; `mesh im',
  ],
  ["Kuma's route", 'type: MeshHTTPRoute\nname: x\nspec: {}\n', '1:1', 'write kind: route; `mesh import` is not avai'],
  ['NUL', 'kind: mesh\u0000\n', '1:11', 'the file is not text, is UTF-16, or was not'],
  ['ctl', 'kind: mesh # \u001b[31m\nauthorization: deny\n', '1:14', 'remove it'],
  ['nbsp', 'kind: mesh\n', '1:6', 'replace it by a space'],
  ['json', '{"kind": "mesh", "authorization": "deni"}\n', '1:18', 'did you mean deny?'],
  ['toml', '[route]\nservice = "a"\n', '2:1', 'put a value with special characters in quote'],
  ['list top', '- kind: mesh\n', '1:1', 'start with kind: …'],
  ['scalar top', 'mesh\n', '1:1', 'start with kind: …'],
  ['no kind', 'service: a\nrules: [{}]\n', '1:1', 'write kind: authorization, catalog, host-pol'],
  ['kind list', 'kind: [mesh]\n', '1:1', 'kinds are authorization, catalog, host-polic'],
  ['kind null', 'kind:\nservice: a\n', '1:1', 'write kind: authorization, catalog, host-pol'],
  ['service file', 'service: a\nport: 80\n', '1:1', 'move it to /etc/mesh/services.d there'],
  ['kind constructor', 'kind: constructor\n', '1:1', 'kinds are authorization, catalog, host-polic'],
  ['kind toString', 'kind: toString\n', '1:1', 'kinds are authorization, catalog, host-polic'],
])
