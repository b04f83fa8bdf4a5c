/** How long something keeps the processor, milliseconds: what else runs on the machine does not count. */
export function cpuTimeOf(run: () => unknown): number {
  const before = process.cpuUsage()
  run()
  return process.cpuUsage(before).user / 1000
}
