import { type Client, status } from '@grpc/grpc-js'
import { backoffDelay } from '../../common/backoff.js'
import { type ClockOffset, readClock } from '../../common/clock-skew.js'
import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import type { Welcome } from '../../common/proto/mesh/v1/mesh_pb.js'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import { delay } from '../../common/tasks.js'
import { TroublePace } from '../../common/trouble-pace.js'
import type { AnswerQuestion } from './answers.js'
import { type HostCredentials, openChannel, type Trust } from './channel.js'
import { describeLoss } from './loss.js'
import { type Reports, runSession } from './session.js'

/** How the connection to one control plane stands. Times are wall-clock milliseconds. */
export type LinkState =
  | {
      readonly state: 'connected'
      readonly since: number
      readonly client: Client
      readonly welcome: Welcome
      readonly clock: ClockOffset | undefined
    }
  | { readonly state: 'disconnected'; readonly since: number; readonly error: string }

/** What a link needs of the agent. */
export interface LinkOptions {
  readonly address: SocketAddress
  /** Read anew for each connection, so that a renewed certificate is presented from the next one on. */
  readonly credentials: () => { readonly host: HostCredentials; readonly trust: Trust }
  readonly reports: Latest<Reports>
  /** Answers what a control plane asks of this host's Envoy. */
  readonly answer: AnswerQuestion
  readonly log: Log
}

const BACKOFF = { base: 200, max: 5_000 }

/** Two agents with one identity must not throw each other out at full speed. */
const SUPERSEDED_BACKOFF = { base: 5_000, max: 60_000 }

/**
 * The connection to one control plane: holds a session for as long as the agent lives, and comes back with backoff
 * when it breaks. Others read {@link state} to know whether calls and ADS can go over it.
 */
export class Link {
  readonly address: SocketAddress
  readonly state: Latest<LinkState>
  readonly #options: LinkOptions
  readonly #pace = new TroublePace()

  constructor(options: LinkOptions) {
    this.address = options.address
    this.#options = options
    this.state = new Latest<LinkState>({ state: 'disconnected', since: Date.now(), error: 'not tried yet' })
  }

  /** Lives until the signal aborts or the host has left. */
  async run(signal: AbortSignal): Promise<void> {
    const log = this.#options.log.child({ controlPlane: formatSocketAddress(this.address) })
    let superseded = 0
    for (let attempt = 1; !signal.aborted; attempt++) {
      const before = this.state.revision
      try {
        await this.#connect(log, signal)
        superseded = 0
        this.#disconnected('the control plane ended the session')
      } catch (error) {
        const text = describeLoss(error)
        this.#disconnected(text)
        superseded = isSuperseded(error) ? superseded + 1 : 0
        if (superseded > 0) log.error('another agent runs with the identity of this host', { error, times: superseded })
        else this.#tell(log, text)
      }
      // Who has said farewell does not come back, however the stream ended.
      if (this.#options.reports.value.leaving) return
      if (this.state.revision > before + 1) attempt = 1
      const pause = superseded > 0 ? backoffDelay(superseded, SUPERSEDED_BACKOFF) : backoffDelay(attempt, BACKOFF)
      await delay(pause, signal)
    }
  }

  async #connect(log: Log, signal: AbortSignal): Promise<void> {
    const { host, trust } = this.#options.credentials()
    const client = openChannel(this.address, trust, host)
    try {
      await runSession(
        client,
        this.#options.reports,
        (welcome) => {
          if (this.state.value.state !== 'connected') {
            log.info('session with the control plane', { id: welcome.controlPlaneId, ...this.#wasAway() })
          }
          const since = this.state.value.state === 'connected' ? this.state.value.since : Date.now()
          const time = Number(welcome.timeUnixMs)
          const clock = time === 0 ? undefined : readClock(time)
          this.state.set({ state: 'connected', since, client, welcome, clock })
        },
        this.#options.answer,
        signal,
      )
    } finally {
      client.close()
    }
  }

  #tell(log: Log, error: string): void {
    const trouble = this.#pace.failed(error)
    if (trouble === undefined) return
    const since = new Date(this.state.value.since).toISOString()
    log.warn('no session with the control plane', { since, error, attempts: trouble.attempts })
  }

  #wasAway(): { readonly awaySeconds?: number; readonly attempts?: number } {
    const trouble = this.#pace.over()
    if (trouble === undefined) return {}
    return { awaySeconds: Math.round(trouble.lastedMs / 1000), attempts: trouble.attempts }
  }

  #disconnected(error: string): void {
    const { state, since } = this.state.value
    this.state.set({ state: 'disconnected', since: state === 'disconnected' ? since : Date.now(), error })
  }
}

/** Whether the control plane ended the session for another one of the same host. */
function isSuperseded(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === status.ABORTED
}
