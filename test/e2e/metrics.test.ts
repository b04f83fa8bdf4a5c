import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { TargetGroup } from '../../common/admin-api.js'
import { VERSION } from '../../common/version.js'
import { findTool } from '../lab/tools.js'
import { type Application, startHttp } from './application.js'
import { placeFile } from './files.js'
import { HTTP_PORT, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { ask, describe, labelsOf, readSample } from './scrape.js'
import { until } from './until.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const STATUS_PORT = '127.0.3.100:15014'
const METRICS_PORT = '127.0.3.100:15092'
const AGENT = `${WEB.address}:15091`
const ENVOY = `${WEB.address}:15090`

const ROUTE = `kind: route
service: payments
rules: [{ name: plain, timeout: 5s }]
`

/** Passes our checks, and Envoy refuses it: a new path with a line break in it. */
const REFUSED = `kind: route
service: payments
rules:
  - match: { path: { prefix: /broken } }
    rewrite: { prefix: "/in\\ntwo" }
`

let lab: MeshLab
let promtool: string
const applications: Application[] = []

before(async () => {
  promtool = await findTool('promtool')
  for (const [{ address }, port] of [
    [WEB, 8080],
    [PAY_1, HTTP_PORT],
  ] as const) {
    applications.push(await startHttp(address, port, (_, response) => response.end()))
  }
  const controlPlane = `metrics: ${METRICS_PORT}\nca: { leafTtl: 20s }`
  lab = await MeshLab.start({ hosts: [WEB, PAY_1], controlPlane })
})

after(async () => {
  await lab?.end()
  for (const application of applications) await application.end()
})

/** Runs promtool with a text on its standard input. */
async function runPromtool(words: readonly string[], input = '') {
  const child = spawn(promtool, words, { stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code: code as number, output }
}

test('promtool finds nothing wrong with the metrics of the control plane and of an agent', async () => {
  for (const at of [STATUS_PORT, METRICS_PORT, AGENT]) {
    const { status, contentType, text } = await ask(at)
    assert.equal(status, 200)
    assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8')
    assert.deepEqual(await runPromtool(['check', 'metrics'], text), { code: 0, output: '' }, at)
  }
})

test('promtool reads the metrics of Envoy, which come without help texts', async () => {
  const { status, text } = await ask(ENVOY)
  assert.equal(status, 200)
  const { code, output } = await runPromtool(['check', 'metrics'], text)
  assert.equal(code, 3, output)
  assert.match(text, /^envoy_server_live\{\} 1$/m)
})

test('the ports of metrics answer /metrics and nothing else', async () => {
  for (const at of [METRICS_PORT, AGENT]) {
    assert.equal((await ask(at, '/metrics', 'GET', 'prometheus.example')).status, 200)
    assert.deepEqual([(await ask(at, '/metrics', 'HEAD')).status, (await ask(at, '/metrics', 'HEAD')).text], [200, ''])
    assert.equal((await ask(at, '/metrics', 'POST')).status, 405)
    for (const path of ['/', '/v1/status', '/v1/hosts', '/v1/prometheus/targets', '/metrics/', '//metrics']) {
      assert.equal((await ask(at, path)).status, 404, path)
    }
  }
})

test('the read-only port answers metrics under its own names only, and to HEAD without a body', async () => {
  assert.equal((await ask(STATUS_PORT, '/metrics', 'GET', 'rebound.example')).status, 403)
  const { status, text } = await ask(STATUS_PORT, '/metrics', 'HEAD')
  assert.deepEqual([status, text], [200, ''])
  assert.equal((await ask(STATUS_PORT, '/v1/tokens', 'POST')).status, 404)
})

test('metrics tell of the mesh what its own commands tell', async () => {
  for (const [sample, want] of [
    ['mesh_hosts{status="live"}', 2],
    ['mesh_live_hosts{sync="synced"}', 2],
    ['mesh_xds_streams', 2],
    ['mesh_services', 2],
    ['mesh_instances{health="passing"}', 2],
    ['mesh_problems{severity="error"}', 0],
    ['mesh_join_token_uses_total{result="granted"}', 2],
    ['mesh_join_tokens', 0],
    [`mesh_build_info{part="controlplane",version="${VERSION}"}`, 1],
  ] as const) {
    await until(`${sample} ${want}`, async () => (await readSample(STATUS_PORT, sample)) === want)
  }
  const now = Date.now() / 1000
  const read = await readSample(STATUS_PORT, 'mesh_config_last_read_timestamp_seconds')
  assert.ok(now - read < 60 && read <= now + 1, `read ${now - read} s ago`)
  const day = 86_400
  const ends = (name: string) =>
    readSample(STATUS_PORT, `mesh_certificate_expiry_timestamp_seconds{certificate="${name}"}`)
  assert.ok((await ends('own')) - now < 21)
  assert.ok(Math.abs((await ends('intermediate')) - now - 90 * day) < day)
  assert.ok(Math.abs((await ends('root')) - now - 3650 * day) < day)
  assert.ok((await readSample(STATUS_PORT, 'mesh_certificates_issued_total{subject="service"}')) >= 2)
  assert.ok((await readSample(STATUS_PORT, 'mesh_resources{type="cluster"}')) > 0)
})

test('metrics of an agent tell of its sessions, its Envoy, its certificates and its checks', async () => {
  for (const [sample, want] of [
    ['mesh_agent_session_connected{control_plane="127.0.3.100:15012"}', 1],
    ['mesh_agent_config_in_step', 1],
    ['mesh_agent_envoy_state{state="ready"}', 1],
    ['mesh_agent_envoy_state{state="crashed"}', 0],
    ['mesh_agent_service_check_passing{service="web",port="8080"}', 1],
    ['mesh_agent_certificate_requests_total{result="failed"}', 0],
  ] as const) {
    assert.equal(await readSample(AGENT, sample), want, sample)
  }
  const subscribed = await readSample(AGENT, 'mesh_agent_subscribed_resources')
  assert.ok(subscribed > 0)
  assert.equal(await readSample(AGENT, 'mesh_agent_acknowledged_resources'), subscribed)
  const now = Date.now() / 1000
  const expiry = await readSample(AGENT, 'mesh_agent_certificate_expiry_timestamp_seconds{subject="svc/web"}')
  assert.ok(expiry > now && expiry < now + 21)
  await until('the cache', () => readSample(AGENT, 'mesh_agent_cache_timestamp_seconds'))
})

test('a change is counted as a build, as pushes and acknowledgements, and timed', async () => {
  const samples = [
    [STATUS_PORT, 'mesh_builds_total{result="ok"}'],
    [STATUS_PORT, 'mesh_build_duration_seconds_count'],
    [STATUS_PORT, 'mesh_xds_pushes_total{type="route"}'],
    [STATUS_PORT, 'mesh_xds_resources_sent_total{type="route"}'],
    [STATUS_PORT, 'mesh_xds_acks_total{type="route"}'],
    [STATUS_PORT, 'mesh_xds_push_duration_seconds_count{until="sent"}'],
    [STATUS_PORT, 'mesh_xds_push_duration_seconds_count{until="acknowledged"}'],
    [AGENT, 'mesh_xds_pushes_total{type="route"}'],
    [AGENT, 'mesh_xds_acks_total{type="route"}'],
  ] as const
  const before = await Promise.all(samples.map(([at, sample]) => readSample(at, sample).catch(() => 0)))
  const seconds = () => readSample(STATUS_PORT, 'mesh_xds_push_duration_seconds_sum{until="acknowledged"}')
  const secondsBefore = await seconds().catch(() => 0)
  await placeFile(lab.files.document('payments.yaml'), ROUTE)
  for (const [index, [at, sample]] of samples.entries()) {
    await until(`${sample} to rise`, async () => (await readSample(at, sample)) > (before[index] ?? 0))
  }
  const taken = (await seconds()) - secondsBefore
  assert.ok(taken > 0 && taken < 60, `a change took ${taken} s`)
  assert.equal(await readSample(STATUS_PORT, 'mesh_config_documents'), 1)
})

test('a refused resource is counted where it is refused, and held back', async () => {
  await placeFile(lab.files.document('payments.yaml'), REFUSED)
  const wanted = [
    [AGENT, 'mesh_xds_nacks_total{type="route"}'],
    [AGENT, 'mesh_agent_refused_resources{type="route"}'],
    [STATUS_PORT, 'mesh_refused_resources{type="route"}'],
    [STATUS_PORT, 'mesh_live_hosts{sync="rejected"}'],
    [STATUS_PORT, 'mesh_quarantined_resources{type="route"}'],
  ] as const
  for (const [at, sample] of wanted) await until(`${sample} to rise`, async () => (await readSample(at, sample)) > 0)
  await placeFile(lab.files.document('payments.yaml'), ROUTE)
  await until('nothing to be refused', async () => {
    return (await readSample(STATUS_PORT, 'mesh_live_hosts{sync="rejected"}')) === 0
  })
})

test('an error in a document is counted', async () => {
  await placeFile(lab.files.document('wrong.yaml'), 'kind: route\nservice: payments\nrulez: []\n')
  await until('the error', async () => (await readSample(STATUS_PORT, 'mesh_problems{severity="error"}')) > 0)
  await placeFile(lab.files.document('wrong.yaml'), '')
  await until('no error', async () => (await readSample(STATUS_PORT, 'mesh_problems{severity="error"}')) === 0)
})

test('an Envoy that crashes is counted', async () => {
  process.kill(await lab.envoyPid(WEB), 'SIGKILL')
  await until('a restart', async () => (await readSample(AGENT, 'mesh_agent_envoy_restarts_total')) === 1)
  await until('Envoy to be ready', async () => (await readSample(AGENT, 'mesh_agent_envoy_state{state="ready"}')) === 1)
})

test('certificates are counted when they are renewed', async () => {
  const sample = 'mesh_agent_certificate_requests_total{result="issued"}'
  const before = await readSample(AGENT, sample)
  await until('a renewal', async () => (await readSample(AGENT, sample)) > before, 60_000)
})

test('a host that loses its control plane says since when', async () => {
  await lab.process('controlplane').end('SIGKILL')
  await until('the loss', async () => (await readSample(AGENT, 'mesh_agent_config_in_step')) === 0)
  const since = await readSample(AGENT, 'mesh_agent_config_in_step_timestamp_seconds')
  assert.ok(Math.abs(Date.now() / 1000 - since) < 30)
  assert.equal(await readSample(AGENT, 'mesh_agent_session_connected{control_plane="127.0.3.100:15012"}'), 0)
  await lab.startControlPlane()
  await until('the return', async () => (await readSample(AGENT, 'mesh_agent_config_in_step')) === 1)
  await lab.settled()
})

test('Prometheus finds everything by service discovery', async () => {
  const groups = JSON.parse((await ask(STATUS_PORT, '/v1/prometheus/targets')).text) as TargetGroup[]
  const found = groups.map(({ targets, labels }) => [labels['job'], labels['host'], targets])
  assert.deepEqual(found, [
    ['mesh-controlplane', undefined, [METRICS_PORT]],
    ['mesh-envoy', 'pay-1', [`${PAY_1.address}:15090`]],
    ['mesh-agent', 'pay-1', [`${PAY_1.address}:15091`]],
    ['mesh-envoy', 'web-1', [ENVOY]],
    ['mesh-agent', 'web-1', [AGENT]],
  ])
  for (const { targets } of groups) assert.equal((await ask(targets[0] ?? '')).status, 200)

  const example = await readFile(join(ROOT, 'examples/prometheus/prometheus.yaml'), 'utf8')
  const config = join(lab.files.root, 'prometheus.yaml')
  await writeFile(config, example.replace('127.0.0.1:15014', STATUS_PORT).replace(/rule_files:\n.*\n/, ''))
  const { code, output } = await runPromtool(['check', 'service-discovery', '--timeout=5s', config, 'mesh'])
  assert.equal(code, 0, output)
  for (const text of [METRICS_PORT, ENVOY, AGENT, 'mesh-envoy', '"host": "web-1"'])
    assert.ok(output.includes(text), output)
})

test('docs/metrics.md lists every metric, with its type, labels and help, and no other', async () => {
  const page = await readFile(join(ROOT, 'docs/metrics.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(mesh_\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$/gm)]
  const texts = [(await ask(STATUS_PORT)).text, (await ask(AGENT)).text]
  const served = new Map(texts.flatMap(describe).map((metric) => [metric.name, metric]))
  const documented = rows.map(([, name = '', type = '', , help = '']) => ({ name, type, help }))
  assert.deepEqual(documented.sort(byName), [...served.values()].sort(byName))
  for (const [, name = '', , labels = ''] of rows) {
    const seen = texts.map((text) => labelsOf(text, name)).find((one) => one.length > 0) ?? []
    for (const label of seen) assert.ok(labels.includes(`\`${label}\``), `${name}: ${label} is not documented`)
  }
})

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}

test('the example alerts are sound, fire when they should, and name metrics that exist', async () => {
  const directory = join(ROOT, 'examples/prometheus')
  const rules = await readFile(join(directory, 'rules.yaml'), 'utf8')
  for (const words of [
    ['check', 'config', join(directory, 'prometheus.yaml')],
    ['test', 'rules', join(directory, 'rules.test.yaml')],
  ]) {
    const { code, output } = await runPromtool(words)
    assert.equal(code, 0, output)
  }
  const known = `${(await ask(STATUS_PORT)).text}${(await ask(AGENT)).text}`
  const named = [...rules.matchAll(/\b((?:mesh|nodejs)_\w+)/g)].map(([, name = '']) => name.replace(/_bucket$/, ''))
  assert.ok(named.length > 10)
  for (const name of named) assert.ok(known.includes(`# TYPE ${name} `), name)
})
