import { request } from 'node:http'
import { join } from 'node:path'
import type { LabHost } from './hosts.js'
import type { MeshLab } from './lab.js'

/** The sum of the counters and gauges of a host's Envoy that a pattern matches; 0 where nothing has happened yet. */
export async function sumOfStats(lab: MeshLab, host: LabHost, pattern: string): Promise<number> {
  const socketPath = join(lab.files.host(host.name).envoyRun, 'admin.sock')
  const path = `/stats?format=json&filter=${encodeURIComponent(pattern)}`
  const text = await new Promise<string>((resolve, reject) => {
    const call = request({ socketPath, path, agent: false }, async (response) => {
      let body = ''
      for await (const part of response.setEncoding('utf8')) body += part
      resolve(body)
    })
    call.on('error', reject)
    call.end()
  })
  const { stats } = JSON.parse(text) as { stats: readonly { readonly value?: unknown }[] }
  return stats.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : 0), 0)
}
