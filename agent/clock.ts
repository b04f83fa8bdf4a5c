import { describeSkew, skewOf } from '../common/clock-skew.js'
import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { delay, type Task } from '../common/tasks.js'
import type { ConnectedLink } from './control-plane/links.js'

/** How often clocks are compared, milliseconds. */
const TICK_MS = 5_000

/**
 * Says when the clock of this host and that of its control plane differ by more than certificates allow, and when they
 * agree again. It never corrects anything: that is for the machine's time service.
 */
export function watchClock(current: Latest<ConnectedLink | undefined>, log: Log): Task {
  return async (signal) => {
    let told: string | undefined
    while (!signal.aborted) {
      const offset = current.value?.clock
      const controlPlane = offset === undefined ? undefined : describeSkew(skewOf(offset))
      if (offset !== undefined && controlPlane !== told) {
        told = controlPlane
        if (controlPlane === undefined) log.info('the clocks of this host and of the control plane agree again')
        else log.error('the clocks of this host and of the control plane differ', { controlPlane })
      }
      await delay(TICK_MS, signal)
    }
  }
}
