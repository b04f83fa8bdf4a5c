import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Latest, waitFor } from '../../common/latest.js'
import { type Log, silentLog } from '../../common/log.js'
import { processMetrics } from '../../common/metrics/process.js'
import { byLabel, countBy, MetricsRegistry } from '../../common/metrics/registry.js'
import { serveMetrics } from '../../common/metrics/serve.js'
import { observeXds } from '../../common/metrics/xds.js'
import { CLUSTER } from '../../common/xds/types.js'
import { ask } from '../e2e/scrape.js'
import { until } from '../e2e/until.js'

const SPEC = { name: 'mesh_things', help: 'Things.', labels: ['kind'] }

/** The samples of a registry, without descriptions. */
async function samples(metrics: MetricsRegistry): Promise<readonly string[]> {
  const { text } = await metrics.expose()
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

test('registries share nothing, and the same metric in two is no clash', async () => {
  const [one, other] = [new MetricsRegistry(), new MetricsRegistry()]
  one.counter(SPEC).add(3, { kind: 'a' })
  other.counter(SPEC)
  assert.deepEqual(await samples(one), ['mesh_things{kind="a"} 3'])
  assert.deepEqual(await samples(other), [])
})

test('a gauge is read at each scrape, and forgets the labels that are gone', async () => {
  const metrics = new MetricsRegistry()
  let kinds = ['a', 'b', 'a']
  metrics.gauge(SPEC, () =>
    byLabel(
      'kind',
      countBy(kinds, (kind) => kind, ['c']),
    ),
  )
  assert.deepEqual(await samples(metrics), [
    'mesh_things{kind="c"} 0',
    'mesh_things{kind="a"} 2',
    'mesh_things{kind="b"} 1',
  ])
  kinds = ['b']
  assert.deepEqual(await samples(metrics), ['mesh_things{kind="c"} 0', 'mesh_things{kind="b"} 1'])
})

test('what is not known has no sample: it is not zero', async () => {
  const metrics = new MetricsRegistry()
  let value: number | undefined
  metrics.gauge({ name: 'mesh_age_seconds', help: 'An age.' }, () => value)
  assert.deepEqual(await samples(metrics), [])
  value = 0
  assert.deepEqual(await samples(metrics), ['mesh_age_seconds 0'])
})

test('a count that another keeps is the same however often it is read', async () => {
  const metrics = new MetricsRegistry()
  metrics.counted({ name: 'mesh_restarts_total', help: 'Restarts.' }, () => 4)
  await samples(metrics)
  assert.deepEqual(await samples(metrics), ['mesh_restarts_total 4'])
})

test('types that an xDS client makes up are one label', async () => {
  const metrics = new MetricsRegistry()
  const observer = observeXds(metrics)
  for (const type of ['a', 'b', 'c']) observer.pushed(`type.googleapis.com/${type}`, 0)
  observer.pushed(CLUSTER, 7)
  const found = await samples(metrics)
  assert.ok(found.includes('mesh_xds_pushes_total{type="other"} 3'))
  assert.ok(found.includes('mesh_xds_resources_sent_total{type="cluster"} 7'))
  assert.equal(found.filter((line) => line.startsWith('mesh_xds_pushes_total')).length, 6)
})

test('a port that is taken is told once, stops nothing, and is served when it is free', async (t) => {
  const other = createServer()
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const { port } = other.address() as AddressInfo
  const told = new Latest<readonly unknown[]>([])
  const log: Log = { ...silentLog, error: (message, fields) => told.set([...told.value, { message, ...fields }]) }
  const metrics = new MetricsRegistry()
  metrics.counter(SPEC).add(1, { kind: 'a' })
  const end = new AbortController()
  const served = serveMetrics({ address: '127.0.0.1', port }, metrics, log, 20)(end.signal)
  t.after(async () => {
    end.abort()
    await served
  })
  await waitFor(told, (lines) => lines.length > 0, AbortSignal.timeout(10_000))
  await new Promise((resolve) => other.close(resolve))
  await until('metrics', async () => (await ask(`127.0.0.1:${port}`)).text.includes('mesh_things{kind="a"} 1'))
  assert.deepEqual(told.value, [
    {
      message: 'metrics are not served yet',
      address: `127.0.0.1:${port}`,
      error: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
    },
  ])
})

test('a metric that cannot be read is an answer of 500 with nothing of the error in it', async (t) => {
  const metrics = new MetricsRegistry()
  metrics.gauge({ name: 'mesh_broken', help: 'Broken.' }, () => {
    throw new Error('secret')
  })
  const free = createServer()
  await once(free.listen(0, '127.0.0.1'), 'listening')
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => free.close(resolve))
  const end = new AbortController()
  const served = serveMetrics({ address: '127.0.0.1', port }, metrics, silentLog, 20)(end.signal)
  t.after(async () => {
    end.abort()
    await served
  })
  await until('an answer', async () => (await ask(`127.0.0.1:${port}`)).status > 0)
  const { status, text } = await ask(`127.0.0.1:${port}`)
  assert.deepEqual([status, text], [500, 'the metrics could not be read; the log says why\n'])
})

test('the delays of the event loop are told of control planes alone', async () => {
  const lag = /^nodejs_eventloop_lag_p99_seconds /m
  assert.match((await processMetrics('controlplane').expose()).text, lag)
  const { text: agent } = await processMetrics('agent').expose()
  assert.doesNotMatch(agent, lag)
  assert.match(agent, /^process_resident_memory_bytes /m)
})
