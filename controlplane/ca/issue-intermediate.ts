import { join, resolve } from 'node:path'
import { makeDirectory, readIfPresent, writeFileAtomically } from '../../common/files.js'
import { DNS_NAME } from '../../common/identity.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { encodePem } from '../../common/x509/pem.js'
import { CA_FILES, claimFile, loadAuthority, refuseOpenKey } from './authority.js'
import { AuthorityError } from './authority-error.js'
import { buildIntermediate } from './ca-certificate.js'
import { checkBundle, checkChain, checkKey, checkTimes, parseCa, trustDomainOf } from './check-authority.js'
import { replaceIntermediate } from './replace-intermediate.js'

/** Which intermediate is made, and where its signer is. */
export interface IntermediateOrder {
  /** The control plane that gets it. */
  readonly controlPlaneId: string
  /** A directory with `root.pem` and `bundle.pem`. */
  readonly rootDirectory: string
  /** Where the root's key is kept; absent: `root.key` in that directory. */
  readonly rootKeyFile?: string
  /** Wall-clock milliseconds. */
  readonly now?: number
}

/** An intermediate that was made. */
export interface IssuedIntermediate {
  readonly trustDomain: string
  /** Wall-clock milliseconds. */
  readonly notAfter: number
}

/**
 * Makes the CA directory of another control plane, mode 0700: an intermediate of its own with its key, the root's
 * certificate and the trust bundle, and never the root's key.
 *
 * @throws AuthorityError `exists` where the directory has an intermediate already: nothing is ever overwritten
 */
export async function issueIntermediate(directory: string, order: IntermediateOrder): Promise<IssuedIntermediate> {
  if (resolve(directory) === resolve(order.rootDirectory)) {
    throw new AuthorityError('exists', `${directory} is the CA of this control plane; name another directory`)
  }
  const made = await makeIntermediate(order)
  await makeDirectory(directory)
  await claimFile(join(directory, CA_FILES.intermediateKey), made.keyPem)
  await writeFileAtomically(join(directory, CA_FILES.intermediate), made.certificatePem)
  await writeFileAtomically(join(directory, CA_FILES.root), made.rootPem)
  await writeFileAtomically(join(directory, CA_FILES.bundle), made.bundlePem)
  return describeLoaded(directory, order)
}

/**
 * Gives a CA directory a new intermediate, with a new key, in the place of the one that it has. Certificates that the
 * old one signed stay valid: they bring it along.
 *
 * @throws AuthorityError `missing` where there is nothing to renew
 */
export async function renewIntermediate(directory: string, order: IntermediateOrder): Promise<IssuedIntermediate> {
  for (const name of [CA_FILES.intermediate, CA_FILES.intermediateKey]) {
    const path = join(directory, name)
    if ((await readIfPresent(path)) === undefined) {
      throw new AuthorityError('missing', `${path} does not exist, so there is nothing to renew`)
    }
  }
  const made = await makeIntermediate(order)
  const root = await readIfPresent(join(directory, CA_FILES.root))
  if (root === undefined || !parseCa(join(directory, CA_FILES.root), root).der.equals(made.rootDer)) {
    throw new AuthorityError('not-chained', `${directory} belongs to another root than the key that was given`)
  }
  await replaceIntermediate(directory, made.keyPem, made.certificatePem)
  return describeLoaded(directory, order)
}

/** Nothing was made unless a control plane can start with it. */
async function describeLoaded(directory: string, { now = Date.now() }: IntermediateOrder): Promise<IssuedIntermediate> {
  const { trustDomain, intermediate } = await loadAuthority(directory, now)
  return { trustDomain, notAfter: intermediate.certificate.notAfter }
}

async function makeIntermediate({ controlPlaneId, rootDirectory, rootKeyFile, now = Date.now() }: IntermediateOrder) {
  if (!DNS_NAME.test(controlPlaneId)) {
    throw new AuthorityError('malformed', `${JSON.stringify(controlPlaneId)} is not a DNS name`)
  }
  const rootPath = join(rootDirectory, CA_FILES.root)
  const bundlePath = join(rootDirectory, CA_FILES.bundle)
  const keyPath = rootKeyFile ?? join(rootDirectory, CA_FILES.rootKey)
  const root = parseCa(rootPath, await need(rootPath, 'it is made by "mesh ca init"'))
  const bundlePem = await need(bundlePath, 'it is made by "mesh ca init"')
  const rootKey = checkKey(keyPath, await need(keyPath, 'if it is kept elsewhere, name it by --root-key'), root)
  await refuseOpenKey(keyPath)
  checkChain(rootPath, root, root)
  checkTimes(rootPath, root, now)
  checkBundle(bundlePath, bundlePem, root)
  const key = generateKeyPair().privateKey
  const names = { trustDomain: trustDomainOf(rootPath, root), controlPlaneId }
  const der = buildIntermediate(names, key, { ...root.certificate, key: rootKey }, now)
  return {
    keyPem: exportPrivateKey(key),
    certificatePem: encodePem('CERTIFICATE', der),
    rootPem: root.pem,
    rootDer: root.der,
    bundlePem,
  }
}

async function need(path: string, hint: string): Promise<string> {
  const text = await readIfPresent(path)
  if (text !== undefined) return text
  throw new AuthorityError('missing', `${path} does not exist; ${hint}`)
}
