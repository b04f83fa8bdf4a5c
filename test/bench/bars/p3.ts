import { readFile, writeFile } from 'node:fs/promises'
import type { Bench } from '../bench.js'
import type { Stimulus } from '../lab.js'
import { meshDocuments } from '../mesh/documents.js'
import { changesBetween, reference } from '../mesh/reference.js'
import { type Scene, setScene } from '../mesh/scene.js'
import { herdHolding, pushRow, sizesOf } from './p1.js'
import { pushChanges } from './push.js'

/** P3: one document changes what every host is sent. */
export const p3: Bench = {
  name: 'p3',
  title: 'a document refuses another path on all hosts: its file is replaced → last ACK of 5,000 proxies',
  async *run(context) {
    const { services, rounds } = sizesOf(context)
    const proxies = context.quick ? 500 : 5_000
    await using scene = await setScene({ services, hosts: proxies })
    const stimuli = await meshWide(scene)
    const pushed = await pushChanges(
      { ...scene, stimuli },
      herdHolding(20, proxies, scene),
      Math.ceil(rounds / 2),
      context,
    )
    const bar = [
      { of: 'max', most: 1_000 },
      { of: 'blockedMs', most: 50 },
    ] as const
    yield pushRow(`${proxies} proxies, 20 services held`, pushed, bar)
  },
}

/** Replaces the document that holds for the whole mesh, to and fro. */
export async function meshWide({ directory, size, expected }: Scene): Promise<readonly [Stimulus, Stimulus]> {
  const path = directory.meshFile
  const [before, after] = [await readFile(path, 'utf8'), meshDocuments('/also-forbidden')]
  await writeFile(path, after)
  const changed = await reference(directory, size)
  await writeFile(path, before)
  return [
    { event: { kind: 'file', path, text: after }, changes: changesBetween(expected, changed) },
    { event: { kind: 'file', path, text: before }, changes: changesBetween(changed, expected) },
  ]
}
