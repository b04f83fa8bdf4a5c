import { fileURLToPath } from 'node:url'
import type { Bench } from '../bench.js'
import { Load, startMesh } from '../lab.js'
import type { RenewalsApi } from '../load/renewals.js'
import { joinHosts } from '../mesh/credentials.js'
import { hostName, serviceName } from '../mesh/fleet.js'
import { setScene } from '../mesh/scene.js'
import { LOAD_CORE } from '../process/machine.js'
import { Remote } from '../process/remote.js'
import { herdHolding, sizesOf } from './p1.js'

const MAIN = fileURLToPath(new URL('../load/renewals.js', import.meta.url))

/** P9: hosts renew their certificates, each with the proof that it has the key, while changes are pushed to all. */
export const p9: Bench = {
  name: 'p9',
  title: 'certificates issued per second over mTLS, and what changes wait meanwhile',
  async *run(context) {
    const { services, proxies, rounds } = sizesOf(context)
    const [runs, seconds] = context.quick ? [2, 2] : [5, 6]
    await using scene = await setScene({ services, hosts: proxies })
    const { credentials, csrPem } = await joinHosts(scene.directory, proxies)
    await using load = new Load()
    await using renewals = new Remote<RenewalsApi>(MAIN, LOAD_CORE)
    await using server = await startMesh(scene.directory, 'tls', context)
    context.progress(`${proxies} clients connect over mTLS`)
    const clients = herdHolding(20, proxies, scene)
    await load.herd({ server: server.address, clients, expected: scene.expected, credentials, atOnce: 64 })
    await load.remote.ask('openSession', scene.session)
    await load.rounds(server, scene.stimuli, 2)
    const before = await load.rounds(server, scene.stimuli, rounds)
    const hosts = Array.from({ length: Math.min(ASKERS, proxies) }, (_, index) => {
      const host = hostName(proxies - 1 - index)
      const mine = credentials.get(host)
      if (mine === undefined) throw new Error(`${host} has not joined`)
      return { host, service: serviceName((proxies - 1 - index) % services), credentials: mine }
    })
    await renewals.ask('connect', { server: server.address, csrPem, hosts })
    const rates: number[] = []
    await server.usage()
    for (let run = 1; run <= runs; run++) {
      context.progress(`${hosts.length} hosts renew, ${run} of ${runs}`)
      rates.push(await renewals.ask('run', seconds))
    }
    const { blockedMs, rssMb } = await server.usage()
    const faults = [...(await load.faults())]
    yield {
      what: `${hosts.length} hosts renew without end`,
      unit: '/s',
      better: 'more',
      values: rates,
      rssMb,
      blockedMs,
      bar: [{ of: 'median', least: 2_000 }],
      faults,
    }
    context.progress('changes while they renew')
    const renewing = renewals.ask('run', rounds * 0.8 + 2)
    const meanwhile = await load.rounds(server, scene.stimuli, rounds)
    await renewing
    yield {
      what: 'one endpoint changes meanwhile, beside nobody renewing',
      unit: 'ms',
      values: [...meanwhile.times],
      floor: [...before.times],
      bar: [{ of: 'p99Ratio', most: 2 }],
      faults: [...(await load.faults())],
    }
  },
}

/** More than have one request under way at any time, so that none asks more often than a connection may. */
const ASKERS = 64
