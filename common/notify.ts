// @ts-expect-error the package has no types; what is used of it is written down in Send
import systemdNotify from 'systemd-notify'
import { describeError, type Log } from './log.js'

/** Tells systemd how this process is doing; calls never fail and never wait. */
export interface Notifier {
  /** The start is complete (`READY=1`), with a status line. */
  ready(status: string): void
  /** One line for `systemctl status`; nothing is sent when it is the one that was sent last. */
  status(text: string): void
  /** Resolves when everything said so far has been sent. */
  flush(): Promise<void>
}

/** The package's function: runs the program `systemd-notify`, which finds `NOTIFY_SOCKET` in our own environment. */
export type Send = (message: { readonly ready?: true; readonly status: string }) => Promise<unknown>

/** How much of a status line systemd is given, in characters. */
const LONGEST = 200

/**
 * Opens the door to systemd. Without `notifySocket` (the value of `NOTIFY_SOCKET`), that is when systemd did not start
 * this process or does not want to hear from it, nothing is sent.
 *
 * Messages are sent one after the other, so that READY never overtakes, and of the statuses that wait only the last is
 * sent. The unit needs `NotifyAccess=all`, as it is another program that speaks.
 *
 * @param send the package `systemd-notify`, unless a test gives its own
 */
export function createNotifier(notifySocket: string | undefined, log: Log, send: Send = systemdNotify): Notifier {
  if (notifySocket === undefined || notifySocket === '') return silentNotifier
  let queue = Promise.resolve()
  let latest = ''
  const enqueue = (message: () => Parameters<Send>[0] | undefined) => {
    queue = queue.then(async () => {
      const next = message()
      if (next !== undefined) await trySend(send, next, log)
    })
  }
  return {
    ready(text) {
      latest = statusLine(text)
      const status = latest
      enqueue(() => ({ ready: true, status }))
    },
    status(text) {
      const status = statusLine(text)
      if (status === latest) return
      latest = status
      enqueue(() => (status === latest ? { status } : undefined))
    },
    flush: () => queue,
  }
}

/** One line without control characters, which a status could forge other messages with, and of a bounded length. */
export function statusLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1)}…`
}

const silentNotifier: Notifier = {
  ready() {},
  status() {},
  flush: () => Promise.resolve(),
}

/** The package rejects with a string where the program fails, with an error where there is no such program. */
async function trySend(send: Send, message: Parameters<Send>[0], log: Log): Promise<void> {
  try {
    await send(message)
  } catch (error) {
    log.warn('systemd could not be told', { error: describeError(error) })
  }
}
