/**
 * `npm run bench`: what a control plane costs and how long things take, held against the bars of the project. Ends with 0
 * when everything was measured, with 1 when a run was void or failed, and with 79 when something is slower than before.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { EXIT } from '../../cli/exit.js'
import { formatTable } from '../../cli/table.js'
import { describeError } from '../../common/log.js'
import type { Bench } from './bench.js'
import { BENCHES } from './benches.js'
import { commitOfTree, loadAverage, machineFacts } from './process/machine.js'
import { checkRequirements } from './process/requirements.js'
import { type Comparison, compareReports } from './report/compare.js'
import { formatCircumstances, formatFaults, formatRows } from './report/print.js'
import { type Report, type Row, report, toRow } from './report/result.js'

interface Options {
  readonly list?: boolean
  readonly quick?: boolean
  readonly soak?: boolean
  readonly json?: string
  readonly compare?: string
  readonly serverOption: readonly string[]
}

const EXAMPLES = `
Examples:
  npm run bench                                  everything, about half an hour
  npm run bench -- --quick                       everything with small sizes, to see that it works
  npm run bench -- p1 p7                         these two
  npm run bench -- --json before.json            keep what was measured
  npm run bench -- --compare before.json         tell what is slower than then, on the same machine
  npm run bench -- p1 --server-option=--cpu-prof a profile of the control plane in this directory

Exit codes: 0 measured (met or not); 1 a run was void or failed; 79 slower than the report compared with.`

const program = new Command('npm run bench --')
  .description('Measures the control plane: the bars, how to read them and results stand in docs/performance.md.')
  .argument('[names...]', 'benchmarks to run; absent: all')
  .option('--list', 'tell which benchmarks there are')
  .option('--quick', 'small sizes and few runs; the bars are not meant for these')
  .option('--soak', 'also what takes more than ten minutes')
  .option('--json <file>', 'write what was measured')
  .option('--compare <file>', 'compare with such a file of this machine')
  .option('--server-option <option>', 'an option of Node for the server that is measured; may be repeated', collect, [])
  .addHelpText('after', EXAMPLES)
  .action(bench)

async function bench(names: readonly string[], options: Options): Promise<void> {
  if (options.list === true) return void process.stdout.write(formatTable(BENCHES, LIST))
  const wanted = names.length === 0 ? BENCHES : names.map(find)
  const earlier = options.compare === undefined ? undefined : await readReport(options.compare)
  checkRequirements()
  const measured = await measure(wanted, options)
  process.stdout.write(`\n${formatRows(measured.rows)}\n${formatCircumstances(measured)}${formatFaults(measured.rows)}`)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(measured, null, 1)}\n`)
  if (measured.rows.some(({ faults }) => faults.length > 0)) process.exitCode = EXIT.other
  if (earlier !== undefined) tell(compareReports(earlier, measured))
}

async function measure(
  wanted: readonly Bench[],
  { quick = false, soak = false, serverOption }: Options,
): Promise<Report> {
  const circumstances = { format: 1, commit: commitOfTree(), startedAt: new Date().toISOString(), quick } as const
  const loadBefore = loadAverage()
  const rows: Row[] = []
  for (const { name, run } of wanted) {
    const progress = (text: string) => process.stderr.write(`${name}: ${text}\n`)
    try {
      for await (const row of run({ quick, soak, nodeOptions: serverOption, progress })) {
        rows.push(toRow(name, row))
        process.stderr.write(formatRows(rows.slice(-1)))
      }
    } catch (error) {
      process.exitCode = EXIT.other
      process.stderr.write(`${name} failed: ${describeError(error)}\n`)
    }
  }
  return { ...circumstances, machine: machineFacts(), loadBefore, loadAfter: loadAverage(), rows }
}

function tell(comparisons: readonly Comparison[]): void {
  process.stdout.write(`\n${formatTable(comparisons, COMPARISON)}`)
  if (comparisons.some(({ verdict }) => verdict === 'slower') && process.exitCode === undefined) {
    process.exitCode = EXIT.findings
  }
}

const LIST = [
  { title: 'NAME', value: ({ name }: Bench) => name },
  { title: 'WHAT', value: ({ title }: Bench) => title },
]

const COMPARISON = [
  { title: 'BENCH', value: ({ bench }: Comparison) => bench },
  { title: 'WHAT', value: ({ what }: Comparison) => what },
  { title: 'BEFORE', value: ({ before, unit }: Comparison) => `${before.toFixed(1)} ${unit}` },
  { title: 'NOW', value: ({ now, unit }: Comparison) => `${now.toFixed(1)} ${unit}` },
  { title: 'VERDICT', value: ({ verdict }: Comparison) => verdict },
]

function find(name: string): Bench {
  const found = BENCHES.find((one) => one.name === name)
  if (found !== undefined) return found
  return program.error(`${name} is no benchmark: ${BENCHES.map((one) => one.name).join(', ')}`, {
    exitCode: EXIT.usage,
  })
}

async function readReport(file: string): Promise<Report> {
  return report.parse(JSON.parse(await readFile(file, 'utf8')))
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

await program.parseAsync()
