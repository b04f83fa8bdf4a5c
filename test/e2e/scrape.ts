import { request } from 'node:http'

/** What an HTTP server answers. */
export interface Scraped {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

/** A metric as a scrape describes it. */
export interface DescribedMetric {
  readonly name: string
  readonly type: string
  readonly help: string
}

/** Sends one request to `address:port`, with any Host header. */
export function ask(at: string, path = '/metrics', method = 'GET', host = at): Promise<Scraped> {
  return new Promise((resolve, reject) => {
    const call = request(`http://${at}${path}`, { method, agent: false, headers: { host } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', text }),
      )
      response.on('error', reject)
    })
    call.on('error', reject)
    call.end()
  })
}

/** The value of the sample written so: `mesh_hosts{status="live"}`. @throws where there is none */
export async function readSample(at: string, sample: string): Promise<number> {
  const { text } = await ask(at)
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `))
  if (line === undefined) throw new Error(`no sample ${sample} at ${at}`)
  return Number(line.slice(sample.length + 1))
}

/** The metrics of the mesh in a scrape, without those of the process. */
export function describe(text: string): readonly DescribedMetric[] {
  return [...text.matchAll(/^# HELP (mesh_\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(
    ([, name = '', help = '', type = '']) => ({ name, help, type }),
  )
}

/** The names of the labels with which a metric appears in a scrape; those of histograms without `le`. */
export function labelsOf(text: string, name: string): readonly string[] {
  const samples = [...text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'))]
  const labels = samples.flatMap(([, inside = '']) => [...inside.matchAll(/(\w+)="/g)].map(([, label = '']) => label))
  return [...new Set(labels)].filter((label) => label !== 'le')
}
