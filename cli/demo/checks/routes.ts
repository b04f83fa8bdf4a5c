import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, type CheckContext, expect } from '../check.js'
import { askShop } from '../client.js'

const SAMPLE = 600

/** Enough standard deviations that a right split fails once in some hundred thousand runs. */
const SIGMAS = 4.5

/** The share of v2 among many answers is what the route says, within statistical bounds. */
export const splitIsAsConfigured: Check = {
  name: 'the split observed is the split configured (75:25)',
  async run(context) {
    const share = 0.25
    const seen = (await versions(context, SAMPLE)).filter((version) => version === 'v2').length
    const bound = SIGMAS * Math.sqrt(SAMPLE * share * (1 - share))
    const off = Math.abs(seen - SAMPLE * share)
    expect(off <= bound, `${seen} of ${SAMPLE} went to v2, expected ${SAMPLE * share} ± ${Math.round(bound)}`)
    return `${seen} of ${SAMPLE} went to v2, expected ${SAMPLE * share} ± ${Math.round(bound)}`
  },
}

/** From the moment when the edited file is in its place until the last request that the old route still led. */
export const editedRouteTakesEffect: Check = {
  name: 'an edited route is in effect within 1 s',
  async run(context) {
    const file = join(context.mesh.layout.controlPlane.documents, 'routes.d', 'payments.yaml')
    const before = await readFile(file, 'utf8')
    const edited = await replaceFile(
      file,
      before.replace('weight: 75', 'weight: 0').replace('weight: 25', 'weight: 100'),
    )
    const took = (await lastOldAnswer(context, edited + 2000)) - edited
    const restored = await replaceFile(file, before)
    await firstAnswerOf(context, 'v1', restored + 5000)
    expect(took <= 1000, `a request that was sent ${Math.round(took)} ms after the edit still took the old route`)
    return `the last request by the old route was sent ${Math.max(0, Math.round(took))} ms after the edit`
  },
}

async function replaceFile(file: string, text: string): Promise<number> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
  return performance.now()
}

/** When the last request was sent that v1 answered; `performance.now()` milliseconds. */
async function lastOldAnswer(context: CheckContext, until: number): Promise<number> {
  let last = 0
  while (performance.now() < until) {
    const sent = performance.now()
    const seen = await versions(context, 8)
    if (seen.includes('v1')) last = sent
  }
  return last
}

async function firstAnswerOf(context: CheckContext, version: string, until: number): Promise<void> {
  while (performance.now() < until) {
    if ((await versions(context, 8)).includes(version)) return
  }
  throw new Error(`no answer of ${version} after the edit was taken back`)
}

async function versions({ mesh }: CheckContext, count: number): Promise<readonly (string | undefined)[]> {
  const seen: (string | undefined)[] = []
  while (seen.length < count) {
    const batch = Array.from({ length: Math.min(8, count - seen.length) }, () => askShop(mesh.host('web-1')))
    for (const { status, version, text } of await Promise.all(batch)) {
      expect(status === 200, `status ${status}: ${text}`)
      seen.push(version)
    }
  }
  return seen
}
