import { type Check, type CheckContext, expect } from '../check.js'
import { askShop, httpGet } from '../client.js'
import { Load } from '../load.js'

/** The control plane is killed and comes back; traffic does not notice, and nothing that is known is sent again. */
export const controlPlaneKilled: Check = {
  name: 'the control plane is killed with kill -9: no request fails, and its return sends 0 resources again',
  async run({ mesh }) {
    const load = new Load(mesh.host('web-1'), 50)
    await mesh.process('controlplane').end('SIGKILL')
    const seen = load.counts.sent
    await mesh.until('requests without a control plane', async () => load.counts.sent >= seen + 100)
    await mesh.startControlPlane()
    await mesh.waitUntilHealthy(mesh.layout.hosts.length)
    const { sent, failed, failures } = await load.stop()
    const resent = (await mesh.hosts()).map(({ host, resourcesSent }) => `${host}: ${resourcesSent}`)
    expect(failed === 0, `${failed} of ${sent} requests failed: ${failures.join('; ')}`)
    expect(
      resent.every((text) => text.endsWith(': 0')),
      `resources were sent again: ${resent.join(', ')}`,
    )
    return `${sent} requests, 0 failed; resources sent again: ${resent.join(', ')}`
  },
}

/** Agent, Envoy and application of one host die and start while there is no control plane. */
export const hostRestartedAlone: Check = {
  name: 'all of a host is restarted while the control plane is down, and it serves',
  async run(context) {
    const { mesh } = context
    await mesh.process('controlplane').end('SIGKILL')
    await mesh.process('agent-pay-2').end('SIGTERM')
    await mesh.process('app-pay-2').end('SIGKILL')
    const began = performance.now()
    mesh.startApplication('pay-2')
    mesh.startAgent('pay-2')
    // No request is sent before Envoy is live: five failures in a row would have callers leave the host alone for 30 s.
    await mesh.until("pay-2's Envoy to be live", () => envoyLive(mesh.host('pay-2').address))
    await mesh.until('pay-2 to serve again', () => servedBy(context, 'pay-2'))
    const took = performance.now() - began
    await mesh.startControlPlane()
    await mesh.waitUntilHealthy(mesh.layout.hosts.length)
    return `serving again after ${(took / 1000).toFixed(1)} s`
  },
}

/** Whether the Envoy of a host says that it is ready. */
async function envoyLive(host: string): Promise<boolean> {
  const answer = await httpGet({ host, port: 15090, path: '/ready' }).catch(() => undefined)
  return answer?.status === 200
}

/** Whether one of a few requests is answered by that host; the others are answered elsewhere, or retried. */
async function servedBy({ mesh }: CheckContext, host: string): Promise<boolean> {
  const answers = await Promise.all(Array.from({ length: 8 }, () => askShop(mesh.host('web-1'))))
  return answers.some((answer) => answer.status === 200 && answer.host === host)
}
