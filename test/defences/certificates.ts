import { type Defence, defencesOf } from './defence.js'

const policy = defencesOf('controlplane/ca/csr-policy.js', 'ca/issue.test.js')
const issue = defencesOf('controlplane/ca/issue.js', 'ca/issue.test.js')
const validate = defencesOf('controlplane/ca/validate.js', 'ca/validate.test.js')
const csr = defencesOf('common/x509/csr.js', 'ca/csr.test.js')
const asn1 = defencesOf('common/x509/asn1.js', 'ca/csr.test.js')
const read = defencesOf('common/x509/read.js', 'ca/read.test.js')
const authority = defencesOf('controlplane/ca/check-authority.js', 'ca/authority.test.js')

const asksFor = (what: string, reason: string) =>
  `a CSR of service web that asks for ${what} is refused and audited as ${reason}`

/** Rows of the profile of leaves, each with a certificate that breaks it. */
const PROFILE = [
  ['serial: ', 'with a serial of zero'],
  ['issuer: ', 'from another issuer'],
  ['subject: ', 'with a subject'],
  ["'key-type': ", 'for a key on another curve'],
  ["'ca-key': ", "for the intermediate's key"],
  ['name: ', 'for another service'],
  ["'basic-constraints': ", 'that is a CA'],
  ["'key-usage': ", 'that may sign certificates'],
  ["'extended-key-usage': ", 'without extKeyUsage'],
  ["'subject-key-identifier': ", 'without its identifier'],
  ['extensions: ', 'with a name that is not critical'],
  ["'valid-now': ", 'that has expired'],
  ["'life-length': ", 'that lives a second too long'],
  ["'within-signer': ", 'that is older than its signer'],
] as const

/** What stands between a CSR and a certificate, and what the control plane's own CA has to be. */
export const CERTIFICATES: readonly Defence[] = [
  policy(
    'a CSR with two names is refused',
    'if (more.length > 0)',
    'if (false)',
    asksFor('its own name and another', 'several-names'),
  ),
  policy(
    'a CSR for another name is refused',
    'return name === undefined ? undefined : judgeName(name, identity)',
    'return undefined',
    asksFor('another service', 'another-service'),
    asksFor('a host', 'another-host'),
    asksFor('the bare trust domain', 'bare-trust-domain'),
  ),
  defencesOf('controlplane/ca/csr-policy.js', 'ca/csr-mutations.test.js')(
    'of thousands of signed CSRs none gets another name',
    'return name === undefined ? undefined : judgeName(name, identity)',
    'return undefined',
    'of 10000 CSRs with changed structure that their own key signed none gets anything but its own name',
  ),
  policy(
    'a name that is no URI is refused',
    "if (kind !== 'uri')",
    'if (false)',
    asksFor('a DNS name', 'name-is-no-uri'),
  ),
  policy(
    'a CSR that asks to be a CA is refused',
    'if (csr.requestedCa)',
    'if (false)',
    asksFor('being a CA', 'ca-requested'),
    asksFor('signing certificates', 'ca-requested'),
  ),
  policy(
    'the key of a CA gets no leaf',
    'spki.equals(csr.spkiDer)',
    'false',
    'no certificate is issued for the key of a CA, though its holder signed the CSR',
  ),
  defencesOf('controlplane/ca/validate.js', 'ca/issue.test.js')(
    'a signed certificate that breaks the profile does not leave',
    'return broken.length > 0 ? { broken } : { leaf: read.leaf }',
    'return { leaf: read.leaf }',
    'a certificate that breaks the profile does not leave, though it was signed',
  ),
  issue(
    'nothing is issued for another trust domain',
    'if (identity.trustDomain !== authority.trustDomain)',
    'if (false)',
    'nothing is issued for another trust domain, for no time, or for more than 72 hours',
  ),
  issue(
    'nothing is issued for more than 72 hours',
    'ttl <= DEFAULT_LEAF_TTL_MS',
    'true',
    'nothing is issued for another trust domain, for no time, or for more than 72 hours',
  ),
  issue(
    'nothing is issued by an intermediate that has expired',
    'now < notBefore || now >= notAfter',
    'false',
    'a leaf never outlives its intermediate, and none is issued once that has expired',
  ),
  defencesOf('controlplane/ca/template.js', 'ca/issue.test.js')(
    'a leaf ends with its intermediate',
    'Math.min(notBefore + ttl, signer.notAfter)',
    'notBefore + ttl',
    'a leaf never outlives its intermediate, and none is issued once that has expired',
  ),
  ...PROFILE.map(([row, name]) =>
    validate(
      `a certificate ${name} breaks the profile`,
      `    ${row}(`,
      `    ${row}() => true, ${row.replace(/^'?/, "'not-").replace(/'?: $/, "': ")}(`,
      `a certificate ${name} does not pass`,
    ),
  ),
  csr(
    'a CSR has at most 8 KiB',
    'Buffer.byteLength(pem) > MAX_BYTES',
    'false',
    'a CSR that is larger than 8 KiB is refused',
  ),
  csr(
    'a CSR is signed by its own key',
    '!verify(hash, encodeDer(signed), publicKey, signature)',
    'false',
    'a CSR that has the key of somebody else is refused',
    'a CSR that was changed after it was signed is refused',
  ),
  {
    ...csr(
      'a key is a point of full length on a curve that is allowed',
      'if (!allowed || point[0] !== 4)',
      'if (false)',
      'a CSR that has a compressed point is refused',
      'a CSR that has a key on another curve is refused',
    ),
    // OpenSSL gets two numbers and the name of a curve, so it would refuse all others too.
    layers: [
      {
        file: 'common/x509/csr.js',
        find: 'const [x, y] = [',
        replace: 'return encodeDer(spki); const [x, y] = [',
      },
      {
        file: 'common/x509/csr.js',
        find: "createPublicKey({ key, format: 'jwk' })",
        replace: "createPublicKey({ key, format: 'der', type: 'spki' })",
      },
    ],
  },
  csr('a CSR is one block', 'more.length === 0)', 'true)', 'a CSR that is two PEM blocks is refused'),
  csr(
    'a CSR has one request of extensions',
    'more.length > 0 || readOid(type) !== OID.extensionRequest',
    'false',
    'a CSR that requests extensions twice is refused',
    'a CSR that has an attribute that is not a request of extensions is refused',
  ),
  asn1(
    'a CSR is canonical DER',
    'if (!encodeDer(element).equals(bytes))',
    'if (false)',
    'a CSR that has a length in long form is refused',
  ),
  defencesOf('common/x509/asn1.js', 'ca/asn1.test.js')(
    'nesting has a depth',
    'maxDepth: 16',
    'maxDepth: 1000',
    'nesting is read to a depth of 16 and no further',
  ),
  defencesOf('common/x509/extensions.js', 'ca/read.test.js')(
    'one extension does not stand twice',
    'if (new Set(extensions.map(({ oid }) => oid)).size < extensions.length)',
    'if (false)',
    "two subjectAltName extensions make a certificate unreadable, nobody's and expired",
  ),
  read(
    'a certificate with two URIs is nobody',
    'return more.length === 0 ? uri?.value : undefined',
    'return uri?.value',
    "a certificate with two URIs is nobody's",
  ),
  authority(
    'a key belongs to the certificate beside it',
    'if (spkiOf(key).equals(ca.certificate.spkiDer))',
    'if (true)',
    "a CA that has another intermediate's key is not loaded",
  ),
  authority(
    'an intermediate is signed by the root',
    'ca.x509.verify(issuer.x509.publicKey)',
    'true',
    'an intermediate of the right name that another key signed is not loaded',
  ),
  authority(
    'the root is in the bundle',
    'if (der.equals(root.der))',
    'if (true)',
    'a CA that has the bundle of another is not loaded',
  ),
  defencesOf('controlplane/ca/authority.js', 'ca/authority.test.js')(
    "a CA's key is for its owner alone",
    '(mode & 0o077) === 0',
    'true',
    'a CA that has a key that others can read is not loaded',
  ),
  defencesOf('controlplane/ca/authority.js', 'ca/authority.test.js')(
    'a CA is never overwritten',
    'if (found !== undefined)',
    'if (false)',
    'a CA is never overwritten, not even a part of one',
  ),
]
