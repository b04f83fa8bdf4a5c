import type { Bench } from '../bench.js'
import { setScene } from '../mesh/scene.js'
import { herdHolding, pushRow, sizesOf } from './p1.js'
import { pushChanges } from './push.js'

/** P2: one endpoint changes, and a tenth of the proxies is subscribed to it. */
export const p2: Bench = {
  name: 'p2',
  title: 'one endpoint changes, 200 of the proxies hold it: source event → last ACK',
  async *run(context) {
    const { services, proxies, rounds } = sizesOf(context)
    await using scene = await setScene({ services, hosts: proxies })
    const clients = herdHolding(20, proxies, scene, proxies / 10)
    const pushed = await pushChanges(scene, clients, rounds, context)
    yield pushRow(`${proxies} proxies, ${proxies / 10} hold it`, pushed, [{ of: 'median', most: 40 }])
  },
}
