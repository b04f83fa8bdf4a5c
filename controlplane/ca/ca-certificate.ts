import type { KeyObject } from 'node:crypto'
import { buildCertificate, buildName } from '../../common/x509/certificate.js'
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  keyIdentifier,
  keyUsage,
  subjectAltUris,
  subjectKeyIdentifier,
} from '../../common/x509/extensions.js'
import { spkiOf } from '../../common/x509/keys.js'
import { newSerial } from './serial.js'

const DAY_MS = 86_400_000

/** Ten years. */
export const ROOT_LIFE_MS = 3650 * DAY_MS

/** 90 days. */
export const INTERMEDIATE_LIFE_MS = 90 * DAY_MS

/** Certificates begin this long before they are made, since clocks differ. */
export const BACKDATE_MS = 120_000

/** A self-signed root of a trust domain. @returns its DER */
export function buildRoot(trustDomain: string, key: KeyObject, now: number): Buffer {
  const serial = newSerial()
  const name = buildName(`Hostmesh root ${shortName(serial)}`)
  const spkiDer = spkiOf(key)
  const fields = {
    serial,
    issuer: name,
    subject: name,
    spkiDer,
    notBefore: now - BACKDATE_MS,
    notAfter: now - BACKDATE_MS + ROOT_LIFE_MS,
    extensions: caExtensions(trustDomain, spkiDer, keyIdentifier(spkiDer), undefined),
  }
  return buildCertificate(fields, key)
}

/** A common name has room for so many characters. @see RFC 5280, ub-common-name */
const LONGEST_NAME = 64

/** What signs an intermediate: the root's subject, key and end. */
export interface RootSigner {
  readonly subject: Buffer
  readonly spkiDer: Buffer
  readonly notAfter: number
  readonly key: KeyObject
}

/** The intermediate of one control plane, which signs leaves and nothing else. @returns its DER */
export function buildIntermediate(
  { trustDomain, controlPlaneId }: { readonly trustDomain: string; readonly controlPlaneId: string },
  key: KeyObject,
  root: RootSigner,
  now: number,
): Buffer {
  const serial = newSerial()
  const spkiDer = spkiOf(key)
  const fields = {
    serial,
    issuer: root.subject,
    subject: buildName(`Hostmesh intermediate ${shortName(serial)} ${controlPlaneId}`.slice(0, LONGEST_NAME)),
    spkiDer,
    notBefore: now - BACKDATE_MS,
    notAfter: Math.min(now - BACKDATE_MS + INTERMEDIATE_LIFE_MS, root.notAfter),
    extensions: caExtensions(trustDomain, spkiDer, keyIdentifier(root.spkiDer), 0),
  }
  return buildCertificate(fields, root.key)
}

/** The control plane whose intermediate has this name; undefined where the name is none of ours. */
export function controlPlaneOf(subject: Buffer): string | undefined {
  // The text is the last thing in the DER of such a name.
  return /Hostmesh intermediate [0-9a-f]{12} (.+)$/.exec(subject.toString('latin1'))?.[1]
}

/** Whether an intermediate is that of a control plane, and whose it is; one whose name is none of ours may be anybody's. */
export function isIntermediateOf(subject: Buffer, id: string): { readonly own: boolean; readonly owner: string } {
  const owner = controlPlaneOf(subject)
  if (owner === undefined) return { own: true, owner: id }
  const room = LONGEST_NAME - 'Hostmesh intermediate 0123456789ab '.length
  return { own: owner === id.slice(0, room), owner }
}

function caExtensions(
  trustDomain: string,
  spkiDer: Buffer,
  signer: Buffer,
  pathLength: number | undefined,
): readonly Extension[] {
  return [
    basicConstraints({ ca: true, ...(pathLength === undefined ? {} : { pathLength }) }),
    keyUsage('keyCertSign', 'cRLSign'),
    subjectKeyIdentifier(spkiDer),
    authorityKeyIdentifier(signer),
    subjectAltUris([`spiffe://${trustDomain}`], false),
  ]
}

/** Two CAs of one mesh never share a name, or a verifier could try the wrong one. */
function shortName(serial: Buffer): string {
  return serial.subarray(0, 6).toString('hex')
}
