/**
 * A route of payments that passes our checks and that Envoy refuses: a new path with a line break in it, which no request
 * could carry.
 */
export const REFUSED_ROUTE = `kind: route
service: payments
rules:
  - match: { path: { prefix: /broken } }
    rewrite: { prefix: "/in\\ntwo" }
`
