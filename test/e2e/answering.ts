import { type Application, answerWithRequest, startHttp } from './application.js'
import type { LabHost } from './hosts.js'

/**
 * Starts the application of the first service of each host. All answer with what they saw of the request, and with the
 * host that served it, as `servedBy`.
 */
export async function startAnswering(hosts: readonly LabHost[]): Promise<readonly Application[]> {
  const started = hosts.map(({ name, address, services: [service] }) => {
    if (service === undefined) throw new Error(`${name} has no service`)
    return startHttp(address, service.port, (request, response) => {
      response.end(answerWithRequest(request, { servedBy: name }))
    })
  })
  return Promise.all(started)
}
