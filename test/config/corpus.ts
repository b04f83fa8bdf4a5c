/** Good texts of everything that people write, by who reads it: what mutations begin with. */
export const CORPUS: Readonly<Record<'document' | 'service-file' | 'agent' | 'controlplane', readonly string[]>> = {
  document: [
    'kind: route\nservice: payments\nrules:\n  - name: canary\n    match: { path: { prefix: /v2/ }, headers: { x-a: { regex: "a+" } } }\n    split:\n      - { subset: v1, weight: 75 }\n      - { subset: v2, weight: 25 }\n    timeout: 2s\n    retry: { retries: 2, on: [reset, "503"] }\n',
    'kind: service\nservice: payments\nsubsets: &s\n  v1: { labels: { version: v1 } }\ntimeouts: { connect: 5s, request: off }\n---\nkind: mesh\nauthorization: deny\n',
    'kind: authorization\nservices: [a, b]\ndeny: []\nallow:\n  - from: { services: [web, "shop-*"] }\n    to: { methods: [POST], paths: [/charge, { prefix: /v2/ }] }\n',
    'kind: catalog\nservice: db\ninstances:\n  - { host: db-1, address: 10.0.9.5, port: 5432, labels: { role: primary }, weight: 100 }\n',
    'kind: host-policy\nhosts: [web-1, "edge-*"]\nservices: [web, "metrics-*"]\n',
  ],
  'service-file': [
    'service: web\nport: 8080\nprotocol: http\nversion: v2\nlabels: { rack: r7 }\nweight: 100\ncheck: { http: /healthz, interval: 10s, timeout: 2s }\nupstreams:\n  - { service: db, bind: "127.0.0.1:5432" }\n',
    'service: ledger\nports:\n  main: { port: 7000, protocol: tcp }\n  admin: 9090\ntags: [blue]\ncheck: none\n',
  ],
  agent: [
    'host: web-1\naddress: 10.0.0.11\nlocality: { region: eu, zone: eu-a }\ncontrolPlanes: ["10.0.0.2:15012"]\nenvoy: { path: /usr/bin/envoy, concurrency: 2, drainTime: 30s, logLevel: warning }\nnames: { enabled: true, range: 127.80.0.0/12, dns: "127.0.0.1:15053", as: web }\n',
  ],
  controlplane: [
    'id: cp-1\ntrustDomain: mesh.example.org\ndomain: mesh\nlisten: 0.0.0.0:15012\nadmin: { socket: /run/x.sock, http: "127.0.0.1:15014" }\nconfig: [/etc/mesh/mesh.d]\nca: { leafTtl: 72h }\n',
  ],
}
