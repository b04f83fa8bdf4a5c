import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, readIfPresent, writeFileAtomically } from '../../common/files.js'
import { DNS_NAME } from '../../common/identity.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { parseCertificate } from '../../common/x509/parse-certificate.js'
import { encodePem } from '../../common/x509/pem.js'
import { AuthorityError } from './authority-error.js'
import { buildIntermediate, buildRoot } from './ca-certificate.js'
import { type Authority, type CaFiles, checkAuthority } from './check-authority.js'
import { finishReplacement } from './replace-intermediate.js'

export type { Authority } from './check-authority.js'

/** The names of a CA's files in its directory. */
export const CA_FILES: Readonly<Record<keyof CaFiles, string>> = {
  rootKey: 'root.key',
  root: 'root.pem',
  intermediateKey: 'intermediate.key',
  intermediate: 'intermediate.pem',
  bundle: 'bundle.pem',
}

/** Whose CA is made. */
export interface NewAuthority {
  readonly trustDomain: string
  /** The control plane that gets the intermediate. */
  readonly controlPlaneId: string
  /** Wall-clock milliseconds. */
  readonly now?: number
}

/**
 * Makes a root and an intermediate in a directory of mode 0700, what `mesh ca init` does.
 *
 * @throws AuthorityError `exists` where any file of a CA is there already: nothing is ever overwritten
 */
export async function initAuthority(directory: string, options: NewAuthority): Promise<Authority> {
  const { trustDomain, controlPlaneId, now = Date.now() } = options
  for (const name of [trustDomain, controlPlaneId]) {
    if (!DNS_NAME.test(name)) throw new AuthorityError('malformed', `${JSON.stringify(name)} is not a DNS name`)
  }
  await makeDirectory(directory)
  const [found] = Object.keys(await readFiles(directory))
  if (found !== undefined) throw exists(join(directory, CA_FILES[found as keyof CaFiles]))
  const files = makeFiles(trustDomain, controlPlaneId, now)
  await claimFile(join(directory, CA_FILES.rootKey), files.rootKey)
  for (const part of ['root', 'intermediateKey', 'intermediate', 'bundle'] as const) {
    await writeFileAtomically(join(directory, CA_FILES[part]), files[part])
  }
  return loadAuthority(directory, now)
}

/**
 * Reads and checks what {@link initAuthority} made. The root's key may be kept elsewhere; it is needed for new
 * intermediates only.
 *
 * @param now wall-clock milliseconds
 * @throws AuthorityError whose message says what to do; a CA is never made here
 */
export async function loadAuthority(directory: string, now: number = Date.now()): Promise<Authority> {
  await finishReplacement(directory)
  const found = await readFiles(directory)
  const need = (part: keyof CaFiles) => found[part] ?? missing(join(directory, CA_FILES[part]))
  const files = {
    rootKey: found.rootKey ?? '',
    root: need('root'),
    intermediateKey: need('intermediateKey'),
    intermediate: need('intermediate'),
    bundle: need('bundle'),
  }
  if (files.rootKey !== '') await refuseOpenKey(join(directory, CA_FILES.rootKey))
  await refuseOpenKey(join(directory, CA_FILES.intermediateKey))
  return checkAuthority(directory, files, now)
}

function missing(path: string): never {
  const first = 'for the first control plane of a mesh, make a CA with "mesh ca init"'
  const other =
    'for another one, have "mesh ca issue --id <its id>" make its part where the root is, and copy that here'
  throw new AuthorityError('missing', `${path} does not exist; ${first}; ${other}; or restore it`)
}

function makeFiles(trustDomain: string, controlPlaneId: string, now: number): CaFiles {
  const rootKey = generateKeyPair().privateKey
  const rootDer = buildRoot(trustDomain, rootKey, now)
  const key = generateKeyPair().privateKey
  const signer = { ...parseCertificate(rootDer), key: rootKey }
  const intermediate = buildIntermediate({ trustDomain, controlPlaneId }, key, signer, now)
  const root = encodePem('CERTIFICATE', rootDer)
  return {
    rootKey: exportPrivateKey(rootKey),
    root,
    intermediateKey: exportPrivateKey(key),
    intermediate: encodePem('CERTIFICATE', intermediate),
    bundle: root,
  }
}

/** The text of those files of a CA that are there. */
async function readFiles(directory: string): Promise<Partial<CaFiles>> {
  const parts = Object.entries(CA_FILES).map(async ([part, name]) => [part, await readIfPresent(join(directory, name))])
  return Object.fromEntries((await Promise.all(parts)).filter(([, text]) => text !== undefined))
}

/**
 * Writes the first file of a CA only if nobody else has, so that of two that begin at once one is refused.
 *
 * @throws AuthorityError `exists`
 */
export async function claimFile(path: string, content: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw exists(path)
    throw error
  }
}

function exists(path: string): AuthorityError {
  return new AuthorityError('exists', `${path} exists already; a CA is never overwritten, move it away first`)
}

/** @throws AuthorityError `permissions` where others than its owner can read a key */
export async function refuseOpenKey(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & 0o077) === 0) return
  throw new AuthorityError('permissions', `${path} can be read by others; stop that with "chmod 600 ${path}"`)
}
