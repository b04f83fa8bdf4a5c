import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { formatDescription } from '../../cli/commands/describe.js'
import { ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { HttpProtocolOptionsSchema } from '../../common/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import { encodeCluster } from '../../controlplane/envoy/cluster.js'
import { meshFrom } from '../mesh/inputs.js'
import { describedFrom } from './described.js'

const HOSTS = 'pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, protocol: http } } }'
const TCP = 'pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, protocol: tcp } } }'

const DOCUMENTS = `kind: service
service: payments
timeouts: { request: 90s }
retry:
  retries: 4
  perTry: 250ms
`

/** Each setting as its line of the table, spaces aside. */
function lines(documents: string, hosts = HOSTS): ReadonlyMap<string, string> {
  const rows = formatDescription(describedFrom('payments', hosts, documents)).split('\n')
  return new Map(
    rows.map((row) => row.trim().split(/ {2,}/)).map(([name = '', ...rest]) => [name, rest.join(' from ')]),
  )
}

const WRITTEN: readonly (readonly [string, string, string])[] = [
  ['timeouts.request', DOCUMENTS, '1m30s from mesh.yaml:3'],
  ['timeouts.request', '', 'off from default'],
  ['timeouts.connect', '', '5s from default'],
  ['timeouts.connect', 'kind: service\nservice: payments\ntimeouts:\n  connect: 1500ms\n', '1s500ms from mesh.yaml:4'],
  ['retry.retries', DOCUMENTS, '4 from mesh.yaml:5'],
  ['retry.perTry', DOCUMENTS, '250ms from mesh.yaml:6'],
  ['retry.perTry', '', 'as long as the request from default'],
  ['retry.on', '', 'connect-failure, refused-stream, reset-before-request, unavailable, undelivered from default'],
  ['loadBalancing.policy', '', 'least-request from default'],
  ['mesh authorization', 'kind: mesh\nauthorization: deny\n', 'deny from mesh.yaml:2'],
  ['mesh authorization', 'authorization: deny\nkind: mesh\n', 'deny from mesh.yaml:1'],
  ['mesh authorization', 'kind: mesh\n', 'allow from default'],
]

for (const [name, documents, want] of WRITTEN) {
  test(`${name} is told as ${want}`, () => assert.equal(lines(documents).get(name), want))
}

test('the limits that Envoy is given are told, each as a default with its unit', () => {
  const told = lines('')
  const want = {
    'timeouts.streamIdle': '5m',
    'timeouts.idle': '55m',
    'retry.hostAttempts': '5',
    'loadBalancing.panicThreshold': '0%',
    'connections.max': '1024',
    'connections.pendingRequests': '1024',
    'connections.requests': '1024',
    'connections.retryBudget.percent': '20%',
    'connections.retryBudget.minimum': '3',
    'connections.buffer': '1MiB',
    'connections.http2.maxConcurrentStreams': '1024',
    'outlier.consecutive5xx': '5',
    'outlier.interval': '1s',
    'outlier.ejection': '3s',
    'outlier.maxEjection': '30s',
    'outlier.maxEjected': '10%',
  }
  for (const [name, value] of Object.entries(want)) assert.equal(told.get(name), `${value} from default`, name)
})

test('what is told of limits is what the cluster says', () => {
  const { mesh } = meshFrom(HOSTS)
  const [built] = mesh.ports.get('payments/main')?.clusters ?? []
  assert.ok(built)
  const cluster = fromBinary(ClusterSchema, encodeCluster(built))
  const [thresholds] = cluster.circuitBreakers?.thresholds ?? []
  const outlier = cluster.outlierDetection
  const ms = (time: { seconds: bigint; nanos: number } | undefined) =>
    Number(time?.seconds) * 1000 + (time?.nanos ?? 0) / 1e6
  const [packed] = Object.values(cluster.typedExtensionProtocolOptions)
  const http = fromBinary(HttpProtocolOptionsSchema, packed?.value ?? new Uint8Array())
  const settings = new Map(describedFrom('payments', HOSTS).settings.map(({ setting, value }) => [setting, value]))
  const sent = {
    'timeouts.connect': ms(cluster.connectTimeout),
    'timeouts.idle': ms(http.commonHttpProtocolOptions?.idleTimeout),
    'loadBalancing.panicThreshold': cluster.commonLbConfig?.healthyPanicThreshold?.value,
    'connections.max': thresholds?.maxConnections,
    'connections.pendingRequests': thresholds?.maxPendingRequests,
    'connections.requests': thresholds?.maxRequests,
    'connections.retryBudget.percent': thresholds?.retryBudget?.budgetPercent?.value,
    'connections.retryBudget.minimum': thresholds?.retryBudget?.minRetryConcurrency,
    'connections.buffer': cluster.perConnectionBufferLimitBytes,
    'outlier.consecutive5xx': outlier?.consecutive5xx,
    'outlier.interval': ms(outlier?.interval),
    'outlier.ejection': ms(outlier?.baseEjectionTime),
    'outlier.maxEjection': ms(outlier?.maxEjectionTime),
    'outlier.maxEjected': outlier?.maxEjectionPercent,
  }
  for (const [name, value] of Object.entries(sent)) assert.equal(settings.get(name), value, name)
})

test('the limits of tcp ports are told, also beside an http port', () => {
  const told = lines('', TCP)
  assert.equal(told.get('timeouts.idle'), '1h from default')
  assert.equal(told.get('connections.attempts'), '3 from default')
  const both = `pay-1: { address: 10.0.0.2, services: { payments: { ports: {
    main: { port: 9090, protocol: http }, bulk: { port: 7000, protocol: tcp } } } } }`
  assert.equal(lines('', both).get('timeouts.idle'), '55m from default')
  assert.equal(lines('', both).get('timeouts.idle of tcp ports'), '1h from default')
  assert.equal(lines('', both).get('connections.attempts of tcp ports'), '3 from default')
})

test('what is only for requests is no setting of a service that carries bytes', () => {
  const names = [...lines('', TCP).keys()]
  assert.ok(names.includes('timeouts.idle') && names.includes('outlier.interval'))
  assert.deepEqual(
    names.filter((name) => /request|retry|stream/i.test(name) && name !== 'connections.pendingRequests'),
    [],
  )
})
