import { deepEqual, equal, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareReports, NotComparable } from './compare.js'
import { isMet, type Measured, type Report, report, toRow } from './result.js'
import { summarize } from './statistics.js'

const MACHINE = { cpu: 'a processor', cores: 2, memoryGb: 24, kernel: '6.1', node: '20.19.0' }

function reportOf(measured: Partial<Measured>, others: Partial<Report> = {}): Report {
  const row = toRow('p1', { what: 'a push', unit: 'ms', values: [1], ...measured })
  const facts = { format: 1, commit: 'abc', startedAt: '', quick: false, loadBefore: 0, loadAfter: 0 } as const
  return { ...facts, machine: MACHINE, rows: [row], ...others }
}

function verdict(before: readonly number[], now: readonly number[], better: 'less' | 'more' = 'less') {
  const [row] = compareReports(reportOf({ values: [...before], better }), reportOf({ values: [...now], better }))
  return row?.verdict
}

describe('what is told of several measurements', () => {
  it('does not depend on their order', () => {
    deepEqual(summarize([3, 1, 2]), { median: 2, p99: 2.98, min: 1, max: 3, count: 3 })
  })

  it('is between the two in the middle where there is none', () => {
    equal(summarize([1, 2, 3, 10]).median, 2.5)
  })

  it('is the one where there is only one', () => {
    deepEqual(summarize([7]), { median: 7, p99: 7, min: 7, max: 7, count: 1 })
  })

  it('is nothing where nothing was measured', () => {
    throws(() => summarize([]), RangeError)
  })
})

describe('a bar', () => {
  const row = (measured: Partial<Measured>) => toRow('p1', { what: '', unit: 'ms', values: [10, 20, 30], ...measured })

  it('is met when every condition holds', () => {
    equal(isMet(row({ bar: [{ of: 'median', most: 20 }] })), true)
    equal(
      isMet(
        row({
          bar: [
            { of: 'median', most: 20 },
            { of: 'p99', most: 25 },
          ],
        }),
      ),
      false,
    )
    equal(isMet(row({ bar: [{ of: 'min', least: 11 }] })), false)
  })

  it('about the null server is not met without one', () => {
    const bar = [{ of: 'ratio', most: 2.5 }] as const
    equal(isMet(row({ bar: [...bar], floor: [10] })), true)
    equal(isMet(row({ bar: [...bar], floor: [7] })), false)
    equal(isMet(row({ bar: [...bar] })), false)
  })

  it('that nobody set is neither met nor missed', () => {
    equal(isMet(row({})), undefined)
  })
})

describe('two reports', () => {
  it('differ when each median lies beyond all that the other measured', () => {
    equal(verdict([10, 11, 12], [13, 14, 15]), 'slower')
    equal(verdict([13, 14, 15], [10, 11, 12]), 'faster')
  })

  it('are the same when that is within what either measured', () => {
    equal(verdict([10, 11, 20], [13, 14, 15]), 'same')
    equal(verdict([10, 11, 12], [9, 14, 15]), 'same')
  })

  it('of a rate are slower when there is less of it', () => {
    equal(verdict([2000, 2100], [1000, 1100], 'more'), 'slower')
    equal(verdict([1000, 1100], [2000, 2100], 'more'), 'faster')
  })

  it('leave out what only one of them measured', () => {
    deepEqual(compareReports(reportOf({ what: 'one' }), reportOf({ what: 'another' })), [])
  })

  it('are not compared when another machine or another size was measured', () => {
    const now = reportOf({})
    throws(() => compareReports(reportOf({}, { machine: { ...MACHINE, cores: 4 } }), now), NotComparable)
    throws(() => compareReports(reportOf({}, { quick: true }), now), NotComparable)
  })

  it('are read as they were written', () => {
    const written = reportOf({ floor: [1, 2], bar: [{ of: 'ratio', most: 2 }], cpuMs: 3 })
    deepEqual(report.parse(JSON.parse(JSON.stringify(written))), written)
  })
})
