import { create } from '@bufbuild/protobuf'
import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import {
  type Certificate,
  CertificateRequestSchema,
  type IssueRequest,
  IssueRequestSchema,
  type IssueResponse,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { delay } from '../../common/tasks.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { type AskToRecover, recoverKeyPair } from './recovery.js'
import { renewalTime, type Validity } from './renewal.js'
import { type IdentityStore, type KeyPairFile, validityOf } from './store.js'
import { isTrustBundle } from './trust-bundle.js'

/** A key pair with the validity of its certificate. */
export interface HeldKeyPair extends KeyPairFile {
  readonly notBefore: number
  readonly notAfter: number
}

/** All that this host can prove and whom it trusts, replaced as a whole at each change. */
export interface Credentials {
  readonly host: HeldKeyPair
  /** By service. */
  readonly services: ReadonlyMap<string, HeldKeyPair>
  readonly trustBundlePem: string
}

/** What the certificates of a host need of the agent. */
export interface CertificateOptions {
  readonly store: IdentityStore
  readonly initial: Credentials
  /** Services for which the control plane would issue certificates now. */
  readonly wanted: Latest<readonly string[]>
  /** Asks a control plane for certificates; undefined while none is connected. @throws when it does not answer */
  readonly issue: (request: IssueRequest) => Promise<IssueResponse> | undefined
  readonly recover: AskToRecover
  readonly log: Log
  /** Told what came of asking for so many certificates. */
  readonly asked?: (result: 'issued' | 'refused' | 'failed', certificates: number) => void
  readonly now?: () => number
  readonly random?: () => number
}

/** Wall clocks jump: deadlines are looked at this often instead of by one long timer. Milliseconds. */
const TICK_MS = 30_000

/** The shortest pause between two looks, milliseconds. */
const SHORTEST_MS = 50

/** After a failed attempt the next one waits this long, milliseconds. */
const RETRY_MS = 5_000

/** The control plane takes no more requests in one call. */
const MOST_AT_ONCE = 100

const HOST = Symbol('host')
type Subject = string | typeof HOST

/**
 * Keeps the certificates of the host and its services: asks for those that are missing, renews each around half of its
 * life with a new key, and publishes the newest of all. A control plane that is away changes nothing until it is back;
 * if the host's own certificate has expired by then, its key proves the host once more.
 */
export class Certificates {
  readonly held: Latest<Credentials>
  readonly #options: Required<CertificateOptions>
  /** Drawn once a subject, so that its time of renewal does not move. */
  readonly #spread = new Map<Subject, number>()

  constructor(options: CertificateOptions) {
    this.#options = { now: Date.now, random: Math.random, asked() {}, ...options }
    this.held = new Latest(options.initial)
  }

  /** Lives until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const seen = this.#options.wanted.revision
      const pause = await this.#renewDue()
      // What became wanted while certificates were asked for must not wait for the next look.
      if (seen === this.#options.wanted.revision) await this.#waitForChange(pause, signal)
    }
  }

  /** Trusts the roots that control planes announce, until the signal aborts. */
  async follow(welcome: Latest<{ readonly trustBundlePem: string } | undefined>, signal: AbortSignal): Promise<void> {
    for await (const value of welcome.values(signal)) {
      try {
        await this.#trust(value?.trustBundlePem ?? '')
      } catch (error) {
        this.#options.log.error('the trust bundle could not be kept', { error })
      }
    }
  }

  async #trust(bundlePem: string): Promise<void> {
    if (bundlePem === '' || bundlePem === this.held.value.trustBundlePem) return
    if (!isTrustBundle(bundlePem)) {
      this.#options.log.error('what was announced is no trust bundle; the old one is kept')
      return
    }
    await this.#options.store.writeBundle(bundlePem)
    this.held.set({ ...this.held.value, trustBundlePem: bundlePem })
    this.#options.log.info('the trust bundle changed')
  }

  /** @returns how long to wait before the next look, in milliseconds */
  async #renewDue(): Promise<number> {
    await this.#forgetExpired()
    if (this.#expired()) return this.#recover()
    const due = this.#due()
    if (due.length === 0) return this.#untilNext()
    try {
      await this.#request(due.slice(0, MOST_AT_ONCE))
    } catch (error) {
      this.#options.asked('failed', due.length)
      this.#options.log.warn('certificates were not issued', { error, subjects: due.map(nameOf) })
      return RETRY_MS
    }
    // What is due still was refused, or nobody is connected: neither changes soon, unless a welcome says so.
    const left = this.#due().length
    return left > 0 && left === due.length ? Math.min(TICK_MS, this.#untilExpiry()) : SHORTEST_MS
  }

  /** A host whose own certificate has expired is let in nowhere to renew it. */
  async #recover(): Promise<number> {
    const { log, random } = this.#options
    try {
      const { keyPem, certificate } = await recoverKeyPair(this.held.value.host, this.#options.recover)
      await this.#take(HOST, keyPem, certificate)
    } catch (error) {
      log.warn("the host's certificate has expired and was not replaced", { error })
      return RETRY_MS * (0.5 + random())
    }
    if (!this.#expired()) return SHORTEST_MS
    log.error("the host's new certificate has expired already: its clock, or the control plane's, is wrong")
    return TICK_MS
  }

  #expired(): boolean {
    return this.#options.now() >= this.held.value.host.notAfter
  }

  /** What has expired, and would not be issued any more, is of no use; it would only be told as expired for ever. */
  async #forgetExpired(): Promise<void> {
    const { store, wanted, now, log } = this.#options
    // Nothing is known yet of what is wanted.
    if (wanted.revision === 0) return
    for (const [service, { notAfter }] of this.held.value.services) {
      if (now() < notAfter || wanted.value.includes(service)) continue
      try {
        await store.removeKeyPair(`${SERVICE_PREFIX}${service}`)
      } catch (error) {
        log.warn('an expired certificate could not be removed', { subject: service, error })
      }
      this.#spread.delete(service)
      const services = new Map(this.held.value.services)
      services.delete(service)
      this.held.set({ ...this.held.value, services })
      log.info('an expired certificate of a service that this host may not run any more is forgotten', {
        subject: service,
      })
    }
  }

  #untilExpiry(): number {
    return Math.max(SHORTEST_MS, this.held.value.host.notAfter - this.#options.now())
  }

  /** Milliseconds until the next certificate is due, within what one timer is trusted with. */
  #untilNext(): number {
    const { host, services } = this.held.value
    const renewed = [...services].filter(([service]) => this.#options.wanted.value.includes(service))
    const times = [[HOST, host] as const, ...renewed].map(([subject, pair]) =>
      renewalTime(pair, this.#spreadOf(subject)),
    )
    return Math.min(TICK_MS, Math.max(SHORTEST_MS, Math.min(...times) - this.#options.now()))
  }

  #due(): readonly Subject[] {
    const { host, services } = this.held.value
    const now = this.#options.now()
    const late = (subject: Subject, pair: HeldKeyPair | undefined) =>
      pair === undefined || now >= renewalTime(pair, this.#spreadOf(subject))
    const wanted = this.#options.wanted.value.filter((service) => late(service, services.get(service)))
    return late(HOST, host) ? [HOST, ...wanted] : wanted
  }

  async #request(subjects: readonly Subject[]): Promise<void> {
    const keys = subjects.map(() => generateKeyPair())
    const requests = subjects.map((subject, index) => {
      const csrPem = buildCsr(keys[index] as ReturnType<typeof generateKeyPair>)
      return create(CertificateRequestSchema, {
        subject: subject === HOST ? { case: 'host', value: true } : { case: 'service', value: subject },
        csrPem,
      })
    })
    const response = await this.#options.issue(create(IssueRequestSchema, { requests }))
    for (const [index, { result }] of (response?.results ?? []).entries()) {
      const subject = subjects[index]
      const key = keys[index]
      if (subject === undefined || key === undefined) continue
      this.#options.asked(result.case === 'certificate' ? 'issued' : 'refused', 1)
      if (result.case === 'certificate') await this.#take(subject, exportPrivateKey(key.privateKey), result.value)
      else this.#options.log.warn('certificate refused', { subject: nameOf(subject), reason: result.value })
    }
  }

  async #take(subject: Subject, keyPem: string, { chainPem, trustBundlePem }: Certificate): Promise<void> {
    const pair = { keyPem, chainPem, ...validityOf(chainPem) }
    if (this.#isWorse(subject, pair)) return
    await this.#options.store.writeKeyPair(subject === HOST ? 'host' : `${SERVICE_PREFIX}${subject}`, pair)
    this.#spread.delete(subject)
    const { host, services } = this.held.value
    this.held.set({
      ...this.held.value,
      ...(subject === HOST ? { host: pair } : { host, services: new Map(services).set(subject, pair) }),
    })
    this.#options.log.info('certificate issued', {
      subject: nameOf(subject),
      expires: new Date(pair.notAfter).toISOString(),
    })
    await this.#trust(trustBundlePem)
  }

  /** Whether a certificate is not valid by this host's clock while the one that is held is: a clock is wrong. */
  #isWorse(subject: Subject, { notBefore, notAfter }: Validity): boolean {
    const now = this.#options.now()
    const validNow = (one: Validity) => one.notBefore <= now && now < one.notAfter
    const held = subject === HOST ? this.held.value.host : this.held.value.services.get(subject)
    if (held === undefined || !validNow(held) || validNow({ notBefore, notAfter })) return false
    const [from, until, clock] = [notBefore, notAfter, now].map((time) => new Date(time).toISOString())
    this.#options.log.error('a new certificate is not valid by the clock of this host; the old one is kept', {
      subject: nameOf(subject),
      from,
      until,
      clock,
    })
    return true
  }

  #spreadOf(subject: Subject): number {
    const spread = this.#spread.get(subject) ?? this.#options.random()
    this.#spread.set(subject, spread)
    return spread
  }

  /** Waits for the pause, or until the wanted services change. */
  async #waitForChange(pause: number, signal: AbortSignal): Promise<void> {
    const wake = new AbortController()
    const unsubscribe = this.#options.wanted.subscribe(() => wake.abort())
    await delay(pause, signal, wake.signal)
    unsubscribe()
  }
}

function nameOf(subject: Subject): string {
  return subject === HOST ? 'host' : subject
}

/** Reads what a joined host holds on disk; undefined where its own certificate or the roots are missing. */
export async function readCredentials(store: IdentityStore): Promise<Credentials | undefined> {
  const [host, trustBundlePem] = await Promise.all([store.readKeyPair('host'), store.readBundle()])
  if (host === undefined || trustBundlePem === undefined) return undefined
  const services = new Map<string, HeldKeyPair>()
  for (const name of await store.listKeyPairs()) {
    const pair = await store.readKeyPair(name)
    if (pair !== undefined && name.startsWith(SERVICE_PREFIX))
      services.set(name.slice(SERVICE_PREFIX.length), hold(pair))
  }
  return { host: hold(host), services, trustBundlePem }
}

/** Names of service key pairs in the store. */
const SERVICE_PREFIX = 'svc-'

function hold(pair: KeyPairFile): HeldKeyPair {
  return { ...pair, ...validityOf(pair.chainPem) }
}
