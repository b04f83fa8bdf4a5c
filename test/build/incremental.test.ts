import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce } from '../../common/memo/steps.js'
import { BuildMemo, type Built, buildSteps } from '../../controlplane/build.js'
import { RandomWorld } from './random-world.js'

const SEEDS = 200
const CHANGES = 8

/** All of a build as text, a line for each part, in its order. Versions are hashes of the bytes. */
function print({ publication, problems, mesh, catalog, offsets, nextChange }: Built): string {
  const { layers, clients } = publication
  const resources = [...layers].flatMap(([layer, types]) =>
    [...types.values()].flatMap((all) => [...all].map(([name, { type, version }]) => ({ layer, type, name, version }))),
  )
  const parts = [...resources, ...clients, ...problems, ...mesh.ports, ...mesh.hosts, ...mesh.nameViews]
  const all = [...parts, ...catalog.hosts, ...catalog.instances, offsets, { nextChange }]
  return all.map((part) => JSON.stringify(part)).join('\n')
}

/** The first line in which two texts differ. */
function difference(given: string, wanted: string): string {
  const lines = wanted.split('\n')
  const [at, line] = [...given.split('\n').entries()].find(([index, one]) => one !== lines[index]) ?? []
  return at === undefined ? 'there are less lines' : `${line} instead of ${lines[at]}`
}

/** Lets a world change and builds after each change with one memo; each build has to be what it is without. */
function follow(seed: number): { readonly resources: number; readonly problems: number } {
  const world = new RandomWorld(seed)
  const memo = new BuildMemo()
  const seen = { resources: 0, problems: 0 }
  const history: string[] = []
  for (let step = 0; step <= CHANGES; step++) {
    if (step > 0) history.push(world.change().join(' and '))
    const input = world.input()
    const built = atOnce(buildSteps(input, memo))
    const anew = atOnce(buildSteps(input, new BuildMemo()))
    const [given, wanted] = [print(built), print(anew)]
    assert.ok(given === wanted, `seed ${seed}, after: ${history.join('; ')}: ${difference(given, wanted)}`)
    world.keep(built.offsets)
    seen.resources += built.publication.layers.get('shared')?.size ?? 0
    seen.problems += built.problems.length
  }
  return seen
}

test('whatever changes, what is built step by step is byte for byte what is built from nothing', () => {
  let [resources, problems] = [0, 0]
  for (let seed = 1; seed <= SEEDS; seed++) {
    const seen = follow(seed)
    resources += seen.resources
    problems += seen.problems
  }
  assert.ok(resources > SEEDS * CHANGES && problems > SEEDS * CHANGES, 'the worlds are empty')
})
