import { execFile } from 'node:child_process'
import { type KeyObject, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { Log, LogFields } from '../../common/log.js'
import { decodeDer, type Element, encodeDer } from '../../common/x509/asn1.js'
import { bitString, explicit, integer, oid, sequence } from '../../common/x509/asn1-write.js'
import { spkiOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import { encodePem } from '../../common/x509/pem.js'
import { type Authority, initAuthority } from '../../controlplane/ca/authority.js'

/** The time at which tests happen: a whole second. */
export const NOW = Date.parse('2026-03-01T12:00:00Z')

export const TRUST_DOMAIN = 'mesh.example'

/** A directory that is gone after the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hostmesh-ca-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A fresh CA made at {@link NOW}. */
export async function makeAuthority(t: TestContext): Promise<Authority> {
  const directory = join(await temporaryDirectory(t), 'ca')
  return initAuthority(directory, { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1', now: NOW })
}

/** One line of a log. */
export interface Line extends LogFields {
  readonly level: string
  readonly message: string
  readonly reason?: unknown
}

/** A log that keeps its lines. */
export function keepingLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = []
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, ...fields })
  const log: Log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  }
  return { log, lines }
}

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Parts of a CSR that a test wants to be other than they should. */
export interface CsrParts {
  readonly version?: Element
  readonly subject?: Element
  readonly spki?: Element
  readonly attributes?: Element
  readonly algorithm?: Element
  readonly hash?: string
  /** Changes what is signed after it was signed. */
  readonly tamper?: (toBeSigned: Element) => Element
}

/** DER of a CSR with odd parts, signed by its own key all the same. */
export function oddCsr(key: KeyObject, parts: CsrParts = {}): Buffer {
  const { tamper = (same: Element) => same, hash = 'sha256' } = parts
  const toBeSigned = sequence(
    parts.version ?? integer(Uint8Array.of(0)),
    parts.subject ?? sequence(),
    parts.spki ?? decodeDer(spkiOf(key)),
    parts.attributes ?? explicit(0),
  )
  const algorithm = parts.algorithm ?? sequence(oid(OID.ecdsaWithSha256))
  return encodeDer(sequence(tamper(toBeSigned), algorithm, bitString(sign(hash, encodeDer(toBeSigned), key))))
}

/** A CSR in PEM. */
export function csrPem(der: Uint8Array): string {
  return encodePem('CERTIFICATE REQUEST', der)
}

/** Runs the openssl command with these files in its working directory. @returns what it prints */
export async function openssl(t: TestContext, files: Readonly<Record<string, string>>, args: readonly string[]) {
  const cwd = await temporaryDirectory(t)
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(cwd, name), text)))
  const { stdout } = await promisify(execFile)('openssl', [...args], { cwd })
  return stdout
}
