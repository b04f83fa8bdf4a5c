import { PORT, serviceName } from './fleet.js'

/**
 * The documents of one service, as a careful operator writes them: retries and limits, subsets of two versions, a split
 * between them with a rule for testers, and who may call it.
 */
export function serviceDocuments(index: number, services: number, nameOf = serviceName): string {
  const service = nameOf(index)
  const callers = [1, 2, 3].map((step) => nameOf((index + step) % services))
  return `kind: service
service: ${service}
timeouts: { connect: 1s, request: 15s }
retry:
  retries: 3
  perTry: 4s
  on: [undelivered, connect-failure, refused-stream, unavailable, reset-before-request]
loadBalancing: { policy: least-request }
subsets:
  v1: { labels: { version: v1 } }
  v2: { labels: { version: v2 } }
---
kind: route
service: ${service}
port: ${PORT}
rules:
  - name: testers
    match: { headers: { x-tester: { exact: "yes" } } }
    to: { subset: v2 }
  - name: reports
    match: { path: { prefix: /reports }, method: [GET] }
    timeout: 60s
    retry: { retries: 1 }
    to: { subset: v1 }
  - name: most
    split:
      - { subset: v1, weight: 90 }
      - { subset: v2, weight: 10 }
---
kind: authorization
service: ${service}
deny:
  - { name: admin, to: { paths: [{ prefix: /admin }] } }
allow:
  - { name: readers, to: { methods: [GET, HEAD] } }
  - { name: callers, from: { services: [${callers.join(', ')}] } }
`
}

/** What holds for the whole mesh. @param denied a path that is refused at every service */
export function meshDocuments(denied: string): string {
  return `kind: mesh
authorization: allow
---
kind: host-policy
hosts: ["host-*"]
services: ["svc-*"]
---
kind: authorization
service: "*"
deny:
  - { name: everywhere, to: { paths: [{ prefix: ${denied} }] } }
`
}
