import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { makeDirectory, readIfPresent, writeFileAtomically } from '../../common/files.js'
import { readPeerCertificate } from '../../common/x509/read.js'

/** A private key with its certificate chain, as they lie on the host's disk. */
export interface KeyPairFile {
  readonly keyPem: string
  /** Leaf first, then the intermediates. */
  readonly chainPem: string
}

const membership = z.strictObject({
  host: z.string(),
  trustDomain: z.string(),
  /** "address:port" of the control planes that the join token named. */
  controlPlanes: z.array(z.string()),
  /** The service whose identity calls by name carry, once decided; empty: the host's own identity. */
  caller: z.string().optional(),
})

/** What a host keeps of having joined. */
export type Membership = z.infer<typeof membership>

/**
 * Keys and certificates of this host in its state directory: directories 0700, files 0600. Private keys are made here
 * and never leave.
 */
export class IdentityStore {
  readonly #directory: string

  constructor(stateDirectory: string) {
    this.#directory = join(stateDirectory, 'identity')
  }

  /** Undefined when the host has not joined. @throws where the file is not what the agent wrote */
  async readMembership(): Promise<Membership | undefined> {
    const path = join(this.#directory, 'membership.json')
    const text = await readIfPresent(path)
    if (text === undefined) return undefined
    try {
      return membership.parse(JSON.parse(text))
    } catch (cause) {
      throw new Error(`${path} is damaged; restore it, or remove ${this.#directory} and join again`, { cause })
    }
  }

  /** Records that the host has joined, or what it decided since. */
  async writeMembership(value: Membership): Promise<void> {
    await makeDirectory(this.#directory)
    await writeFileAtomically(join(this.#directory, 'membership.json'), `${JSON.stringify(value, null, 2)}\n`)
  }

  /** The roots that this host trusts. */
  readBundle(): Promise<string | undefined> {
    return readIfPresent(join(this.#directory, 'bundle.pem'))
  }

  async writeBundle(pem: string): Promise<void> {
    await makeDirectory(this.#directory)
    await writeFileAtomically(join(this.#directory, 'bundle.pem'), pem)
  }

  /**
   * A key with its certificate; undefined where there is none.
   *
   * @param name `host`, or `svc-<service>`
   */
  async readKeyPair(name: string): Promise<KeyPairFile | undefined> {
    const text = await readIfPresent(this.#keyPairPath(name))
    if (text === undefined) return undefined
    const split = text.indexOf('-----BEGIN CERTIFICATE-----')
    return split <= 0 ? undefined : { keyPem: text.slice(0, split), chainPem: text.slice(split) }
  }

  /** Replaces a key and its certificate together: one file, so that they never differ. */
  async writeKeyPair(name: string, { keyPem, chainPem }: KeyPairFile): Promise<void> {
    await makeDirectory(this.#directory)
    await writeFileAtomically(this.#keyPairPath(name), `${keyPem.trimEnd()}\n${chainPem.trimEnd()}\n`)
  }

  async removeKeyPair(name: string): Promise<void> {
    await rm(this.#keyPairPath(name), { force: true })
  }

  /** The names of all key pairs, sorted. */
  async listKeyPairs(): Promise<readonly string[]> {
    await makeDirectory(this.#directory)
    const files = await readdir(this.#directory)
    return files.flatMap((file) => /^(host|svc-[a-z0-9-]+)\.pem$/.exec(file)?.[1] ?? []).sort()
  }

  /** The key of a join whose answer has not arrived: asked for again, it must be the same. */
  readPendingKey(): Promise<string | undefined> {
    return readIfPresent(join(this.#directory, 'joining.key'))
  }

  async writePendingKey(keyPem: string): Promise<void> {
    await makeDirectory(this.#directory)
    await writeFileAtomically(join(this.#directory, 'joining.key'), keyPem)
  }

  async removePendingKey(): Promise<void> {
    await rm(join(this.#directory, 'joining.key'), { force: true })
  }

  #keyPairPath(name: string): string {
    return join(this.#directory, `${name}.pem`)
  }
}

/** When the leaf of a chain begins and ends to be valid, wall-clock milliseconds. */
export function validityOf(chainPem: string): { readonly notBefore: number; readonly notAfter: number } {
  const base64 = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(chainPem)?.[1] ?? ''
  return readPeerCertificate(Buffer.from(base64, 'base64'))
}
