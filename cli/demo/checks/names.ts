import { promises as dns } from 'node:dns'
import { type Check, expect } from '../check.js'

/** Every host's DNS filter answers the names of the mesh with addresses of that host's own range, and no others. */
export const namesResolve: Check = {
  name: "names resolve through each host's DNS filter, unknown names do not",
  async run({ mesh }) {
    const answers: string[] = []
    for (const { address, range, name: host } of mesh.layout.hosts) {
      const resolver = new dns.Resolver({ timeout: 1000, tries: 3 })
      resolver.setServers([`${address}:15053`])
      const [found] = await resolver.resolve4('payments.mesh')
      expect(
        found?.startsWith(range.slice(0, range.indexOf('.', 4) + 1)) === true,
        `${host} answered ${found}, outside ${range}`,
      )
      const unknown = await resolver.resolve4('nothing.mesh').catch((error: Error & { code: string }) => error.code)
      expect(unknown === 'ENOTFOUND', `${host} answered ${String(unknown)} for a name that does not exist`)
      answers.push(`${host}: ${found}`)
    }
    return `payments.mesh is ${answers.join(', ')}`
  },
}
