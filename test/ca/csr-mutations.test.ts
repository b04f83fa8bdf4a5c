import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { test } from 'node:test'
import { formatSpiffeId, type Identity } from '../../common/identity.js'
import { decodeDer, type Element, encodeDer, TAG } from '../../common/x509/asn1.js'
import { childrenOf } from '../../common/x509/asn1-read.js'
import { bitString, oid, sequence } from '../../common/x509/asn1-write.js'
import { buildCsr, CsrError, parseCsr } from '../../common/x509/csr.js'
import { basicConstraints, subjectAltUris } from '../../common/x509/extensions.js'
import { generateKeyPair, spkiOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import { decodePem } from '../../common/x509/pem.js'
import type { Authority } from '../../controlplane/ca/authority.js'
import { acceptCsr, IssueError } from '../../controlplane/ca/issue.js'
import { csrPem, makeAuthority, seededRandom, TRUST_DOMAIN } from './fixtures.js'

/** How many of each kind; the seeds are fixed, so each run tries the same. `CSR_MUTATIONS` makes it more. */
const ROUNDS = Number(process.env['CSR_MUTATIONS'] ?? 10_000)

/** No CSR may take longer, milliseconds. */
const SLOWEST_MS = 10

const WEB: Identity = { kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' }
const keys = generateKeyPair()
const spkiDer = spkiOf(keys.publicKey)

/** A CSR that asks for its own name and to be no CA, which is granted. */
const [full = Buffer.alloc(0)] = decodePem(
  'CERTIFICATE REQUEST',
  buildCsr(keys, [subjectAltUris([formatSpiffeId(WEB)], false), basicConstraints({ ca: false })]),
)

type Below = (bound: number) => number

test(`of ${ROUNDS} CSRs with changed bytes none is accepted, none crashes and none is slow`, (t) => {
  const below = numbers(20260301)
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const mutated = changeBytes(Buffer.from(full), below)
    if (full.equals(mutated)) continue
    const pem = csrPem(mutated)
    times.push(timeOf(() => assert.throws(() => parseCsr(pem), CsrError, `round ${round}: ${mutated.toString('hex')}`)))
  }
  checkTimes(times, t.diagnostic.bind(t))
})

test(`of ${ROUNDS} CSRs with changed structure that their own key signed none gets anything but its own name`, async (t) => {
  const authority = await makeAuthority(t)
  const below = numbers(20260302)
  const [toBeSigned = sequence()] = childrenOf(decodeDer(full), TAG.sequence)
  const times: number[] = []
  let accepted = 0
  for (let round = 0; round < ROUNDS; round++) {
    const der = signed(changeStructure(toBeSigned, below))
    const pem = csrPem(der)
    times.push(
      timeOf(() => {
        if (isAccepted(authority, pem, `round ${round}: ${der.toString('hex')}`)) accepted++
      }),
    )
  }
  checkTimes(times, t.diagnostic.bind(t))
  // Some changes change nothing that counts, such as another subject: so the test can see an acceptance.
  assert.ok(accepted > 0 && accepted < ROUNDS / 2, `${accepted} accepted`)
})

/** Whether policy lets a CSR through; if so it is for our key, and asks for our name or for none. */
function isAccepted(authority: Authority, pem: string, what: string): boolean {
  try {
    const csr = acceptCsr(authority, pem, WEB)
    assert.deepEqual(csr.spkiDer, spkiDer, what)
    assert.ok(!csr.requestedCa, what)
    assert.ok(csr.requestedNames.length <= 1, what)
    for (const name of csr.requestedNames) assert.deepEqual(name, { kind: 'uri', value: formatSpiffeId(WEB) }, what)
    return true
  } catch (error) {
    assert.ok(error instanceof IssueError, `${what}: ${String(error)}`)
    return false
  }
}

function numbers(seed: number): Below {
  const random = seededRandom(seed)
  return (bound) => Math.floor(random() * bound)
}

/**
 * How long something takes, milliseconds. What is slow is tried again, since the machine may have been busy with
 * something else: a CSR that is slow by itself is slow each time.
 */
function timeOf(run: () => void): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 10 && fastest > SLOWEST_MS; tries++) {
    const began = performance.now()
    run()
    fastest = Math.min(fastest, performance.now() - began)
  }
  return fastest
}

function checkTimes(times: readonly number[], tell: (text: string) => void): void {
  const sorted = times.toSorted((a, b) => a - b)
  const [median = 0, worst = 0] = [sorted[sorted.length >> 1], sorted.at(-1)]
  tell(`median ${median.toFixed(3)} ms, worst ${worst.toFixed(3)} ms`)
  assert.ok(worst < SLOWEST_MS, `the slowest took ${worst} ms`)
}

function changeBytes(der: Buffer, below: Below): Buffer {
  for (let count = 1 + below(3); count > 0; count--) der[below(der.length)] = below(256)
  switch (below(4)) {
    case 0:
      return der.subarray(0, below(der.length))
    case 1: {
      const at = below(der.length)
      return Buffer.concat([der.subarray(0, at), Buffer.of(below(256)), der.subarray(at)])
    }
    default:
      return der
  }
}

/** The CSR of these fields, signed as it should be. */
function signed(toBeSigned: Element): Buffer {
  const signature = sign('sha256', encodeDer(toBeSigned), keys.privateKey)
  return encodeDer(sequence(toBeSigned, sequence(oid(OID.ecdsaWithSha256)), bitString(signature)))
}

/** Changes one element somewhere in a tree. */
function changeStructure(element: Element, below: Below): Element {
  const depth = 'children' in element && element.children.length > 0 ? below(8) : 0
  if ('children' in element && depth > 0) {
    const at = below(element.children.length)
    return { ...element, children: element.children.map((one, n) => (n === at ? changeStructure(one, below) : one)) }
  }
  return changeOne(element, below)
}

const STRANGE = ['spiffe://mesh.example/svc/db', 'spiffe://other.example/svc/web', 'spiffe://mesh.example', 'web', '\0']

function changeOne(element: Element, below: Below): Element {
  if ('children' in element) {
    const { tag, children } = element
    const one = children[below(Math.max(1, children.length))]
    const other: Element = { tag: below(256) & ~0x1f & ~0x20, bytes: Buffer.from([below(256)]) }
    const changes: readonly Element[] = [
      { tag, children: one === undefined ? [other] : [...children, one] },
      { tag, children: children.filter((child) => child !== one) },
      { tag, children: [...children].reverse() },
      { tag, children: [...children, sequence(...children)] },
      { tag: 0x31, children },
      sequence(element),
    ]
    return changes[below(changes.length)] ?? element
  }
  const { tag, bytes } = element
  const flipped = Buffer.from(bytes)
  if (flipped.length > 0) flipped[below(flipped.length)] = below(256)
  const changes: readonly Element[] = [
    { tag, bytes: flipped },
    { tag, bytes: Buffer.concat([bytes, Buffer.of(below(256))]) },
    { tag, bytes: bytes.subarray(0, below(bytes.length + 1)) },
    { tag, bytes: Buffer.alloc(below(3_000), below(256)) },
    { tag, bytes: Buffer.from(STRANGE[below(STRANGE.length)] ?? '') },
    { tag: 0x80 | below(9), bytes },
    sequence(element),
  ]
  return changes[below(changes.length)] ?? element
}
