import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSession } from '../../agent/control-plane/calls.js'
import { MOST_PROBLEMS } from '../../agent/problems-report.js'
import type { HostView, ServiceDescription, StatusView } from '../../common/admin-api.js'
import type { AgentMessage } from '../../common/proto/mesh/v1/mesh_pb.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane } from './control-plane.js'
import { envoyReport, hostReport, problemsReport, servicesReport } from './reports.js'

/** Begins the session of web-1, which runs web and pay. @returns what sends more */
async function begin(t: Parameters<typeof startControlPlane>[0], controlPlane: TestControlPlane) {
  const credentials = await joinHost(t, controlPlane, 'web-1', ['web', 'pay'])
  const session = openSession(connectAs(t, controlPlane, credentials))
  session.on('error', () => undefined)
  const send = (...messages: readonly AgentMessage[]) => {
    for (const message of messages) session.write(message)
  }
  send(hostReport(), servicesReport('web'), envoyReport())
  return { send, end: () => session.cancel() }
}

async function placesOf(controlPlane: TestControlPlane): Promise<readonly string[]> {
  const { problems } = await controlPlane.ask<StatusView>('GET', '/v1/status')
  return problems.map(({ severity, place, message, code }) => `${severity} ${place} ${message} ${code}`)
}

async function errorsInMetrics({ socket }: TestControlPlane): Promise<string | undefined> {
  const { request } = await import('node:http')
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath: socket, path: '/metrics' }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      response.on('end', () => resolve(body))
    })
    asked.on('error', reject).end()
  })
  return /^mesh_problems\{severity="error"\} (\d+)$/m.exec(text)?.[1]
}

test('what agents say of their files is told by status, hosts, the service concerned and metrics, until it is mended', async (t) => {
  const controlPlane = await startControlPlane(t)
  const { send, end } = await begin(t, controlPlane)
  send(
    problemsReport(
      2,
      { path: 'prot', message: 'unknown key', hint: 'did you mean port?' },
      { file: 'services.d/pay.yaml', line: 1, code: 'MSH0104', message: 'not read: others may write it' },
    ),
  )
  const want = [
    'error web-1:services.d/web.yaml:3:1 prot: unknown key MSH0201',
    'error web-1:services.d/pay.yaml:1:1 not read: others may write it MSH0104',
  ]
  await eventually(async () => assert.deepEqual(await placesOf(controlPlane), want))
  const [host] = await controlPlane.ask<readonly HostView[]>('GET', '/v1/hosts')
  assert.deepEqual(host?.notes, ['2 problems in its files'])
  assert.equal(host?.problems[0]?.hint, 'did you mean port?')
  const { problems } = await controlPlane.ask<ServiceDescription>('GET', '/v1/services/web')
  assert.deepEqual(
    problems.map(({ place }) => place),
    ['web-1:services.d/web.yaml:3:1'],
  )
  assert.equal(await errorsInMetrics(controlPlane), '2')
  send(problemsReport(0, { notice: true, message: 'no protocol is given' }))
  // A notice that many hosts have alike would hide the rest of the status.
  await eventually(async () => assert.deepEqual(await placesOf(controlPlane), []))
  const [noticed] = await controlPlane.ask<readonly HostView[]>('GET', '/v1/hosts')
  assert.equal(noticed?.problems[0]?.message, 'no protocol is given')
  send(problemsReport(0))
  await eventually(async () => assert.deepEqual(await placesOf(controlPlane), []))
  assert.equal(await errorsInMetrics(controlPlane), '0')
  send(problemsReport(1, {}))
  await eventually(async () => assert.equal((await placesOf(controlPlane)).length, 1))
  end()
  await eventually(async () => assert.doesNotMatch((await placesOf(controlPlane)).join(), /unknown key/))
})

test('a host that says very much of its files takes little room, and what is left out is counted', async (t) => {
  const controlPlane = await startControlPlane(t)
  const { send } = await begin(t, controlPlane)
  const long = { message: 'm'.repeat(5_000), file: 'f'.repeat(5_000), hint: 'h'.repeat(5_000), code: 'c'.repeat(5_000) }
  send(problemsReport(3_000, ...Array.from({ length: 150 }, () => long)))
  await eventually(async () => assert.equal((await placesOf(controlPlane)).length, MOST_PROBLEMS + 1))
  const { problems } = await controlPlane.ask<StatusView>('GET', '/v1/status')
  assert.ok(JSON.stringify(problems).length < 40_000)
  assert.equal(problems.at(-1)?.message, `the files of web-1 have ${3_000 - MOST_PROBLEMS} more problems`)
  assert.equal(await errorsInMetrics(controlPlane), '3000')
})
