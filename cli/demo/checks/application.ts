import { type Check, expect } from '../check.js'
import { Load } from '../load.js'

/** One of the two instances of v1 dies while 50 requests a second flow; the mesh sends them to the other. */
export const applicationKilled: Check = {
  name: 'an application is killed and no request fails',
  async run({ mesh }) {
    const load = new Load(mesh.host('web-1'), 50)
    const answered = () => load.counts.sent
    await mesh.until('the load to begin', async () => answered() >= 25)
    await mesh.process('app-pay-1').end('SIGKILL')
    await mesh.until('the mesh to notice', async () => {
      const services = await mesh.services()
      const gone = services.flatMap(({ instances }) => instances).find(({ host }) => host === 'pay-1')
      return gone?.health !== 'passing'
    })
    const seen = answered()
    await mesh.until('more requests', async () => answered() >= seen + 50)
    const { sent, failed, failures } = await load.stop()
    mesh.startApplication('pay-1')
    await mesh.waitUntilHealthy(mesh.layout.hosts.length)
    expect(failed === 0, `${failed} of ${sent} requests failed: ${failures.join('; ')}`)
    return `${sent} requests, 0 failed`
  },
}
