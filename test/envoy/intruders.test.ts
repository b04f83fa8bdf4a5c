import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import type { HeldKeyPair } from '../../agent/identity/certificates.js'
import type { Identity } from '../../common/identity.js'
import { type Element, encodeDer } from '../../common/x509/asn1.js'
import { implicit, sequence } from '../../common/x509/asn1-write.js'
import { type Extension, subjectAltUris } from '../../common/x509/extensions.js'
import { exportPrivateKey, generateKeyPair, spkiOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import { encodePem } from '../../common/x509/pem.js'
import type { Authority } from '../../controlplane/ca/authority.js'
import { signTemplate } from '../../controlplane/ca/sign.js'
import { buildLeafTemplate } from '../../controlplane/ca/template.js'
import { envoyOrSkip, TEST_ENVOYS } from '../lab/envoy.js'
import { meshFrom, TRUST_DOMAIN } from '../mesh/inputs.js'
import { type Application, startGreeter, startHttp } from './application.js'
import { knock } from './knock.js'
import { EnvoyLab } from './lab.js'

/** An address of this process alone, so that other tests can run beside it. */
const ADDRESS = `127.${128 + (process.pid % 120)}.253.2`

const HOSTS = `
pay-1:
  address: ${ADDRESS}
  range: ''
  services:
    payments: { port: 8080 }
    ledger: { port: 5433, protocol: tcp }
`

const AT = { address: ADDRESS, port: 15006 }
const PORTS = ['main.payments.mesh', 'main.ledger.mesh']
const WEB: Identity = { kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' }
const WEB_ID = `spiffe://${TRUST_DOMAIN}/svc/web`
const HOUR_MS = 3_600_000

const dns = (name: string) => implicit(2, Buffer.from(name))

/** Certificates of nobody, though our own CA signs most of them. */
const STRANGERS: readonly (readonly [name: string, make: (authority: Authority) => HeldKeyPair])[] = [
  ['a certificate that has expired', (ca) => forge(ca, { now: Date.now() - 2 * HOUR_MS })],
  ['a certificate that is not valid yet', (ca) => forge(ca, { now: Date.now() + HOUR_MS })],
  ['a name of another trust domain', (ca) => forge(ca, { name: uri('spiffe://other.example/svc/web') })],
  ['a trust domain that begins with ours', (ca) => forge(ca, { name: uri(`spiffe://${TRUST_DOMAIN}.evil/svc/web`) })],
  ['the name of a control plane', (ca) => forge(ca, { name: uri(`spiffe://${TRUST_DOMAIN}/control-plane/cp`) })],
  ['the bare trust domain', (ca) => forge(ca, { name: uri(`spiffe://${TRUST_DOMAIN}`) })],
  ['our name as one of DNS', (ca) => forge(ca, { name: alternative(dns(WEB_ID)) })],
  ['a name of DNS', (ca) => forge(ca, { name: alternative(dns('web.mesh')) })],
  ['no name', (ca) => forge(ca, { name: undefined })],
  ['a signature of another key', (ca) => forge({ ...ca, intermediateKey: generateKeyPair().privateKey })],
  ['no intermediate', (ca) => withoutIntermediate(forge(ca))],
]

for (const version of TEST_ENVOYS) describe(`intruders at Envoy ${version}`, () => testIntruders(version))

function testIntruders(version: string): void {
  let lab: EnvoyLab
  const applications: Application[] = []
  let missing: string | undefined

  before(async () => {
    const skip = (reason?: string) => {
      missing = reason
    }
    const binary = await envoyOrSkip({ skip }, version)
    if (binary === undefined) return
    lab = await EnvoyLab.start()
    applications.push(await startHttp({ address: ADDRESS, port: 8080 }, 'one'))
    applications.push(await startGreeter({ address: ADDRESS, port: 5433 }, 'hello'))
    await lab.startEnvoy('pay-1', binary)
    await lab.serve(meshFrom(HOSTS))
  })

  after(async () => {
    await lab?.stop()
    for (const application of applications) await application.stop()
  })

  const test = (name: string, run: () => Promise<void>) =>
    it(name, (t) => (missing === undefined ? run() : t.skip(missing)))

  test('no certificate gets in but one of a service or a host of the mesh that is valid now', async () => {
    for (const name of PORTS) assert.equal(await knock(AT, { pair: forge(lab.authority), name }), 'answered', name)
    for (const name of PORTS) assert.equal(await knock(AT, { name }), 'refused', `nobody at ${name}`)
    for (const [who, make] of STRANGERS) {
      for (const name of PORTS) {
        assert.equal(await knock(AT, { pair: make(lab.authority), name }), 'refused', `${who} at ${name}`)
      }
    }
  })

  test('no TLS before 1.3 gets in', async () => {
    const pair = forge(lab.authority)
    for (const maxVersion of ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const) {
      // The same caller is answered by a server that is as old as he is.
      assert.equal(await knockAtOldServer(pair, maxVersion), 'answered', maxVersion)
      for (const name of PORTS) assert.equal(await knock(AT, { pair, name, maxVersion }), 'refused', maxVersion)
    }
  })

  test('no session is resumed', async () => {
    const pair = forge(lab.authority)
    for (const name of PORTS) assert.equal(await resumes(pair, name), false, name)
  })
}

function uri(...uris: readonly string[]): Extension {
  return subjectAltUris(uris, true)
}

function alternative(name: Element): Extension {
  return { oid: OID.subjectAltName, critical: true, value: encodeDer(sequence(name)) }
}

interface Forged {
  readonly now?: number
  /** Absent: that of the service web; undefined: none. */
  readonly name?: Extension | undefined
}

/** A certificate that an authority signs without asking whether it should. */
function forge(authority: Authority, options: Forged = {}): HeldKeyPair {
  const { now = Date.now() } = options
  const name = 'name' in options ? options.name : uri(WEB_ID)
  const { privateKey } = generateKeyPair()
  const request = { identity: WEB, spkiDer: spkiOf(privateKey), ttl: HOUR_MS, now }
  const template = buildLeafTemplate(request, authority.intermediate.certificate)
  const others = template.extensions.filter(({ oid }) => oid !== OID.subjectAltName)
  const notBefore = now - 120_000
  const fields = {
    ...template,
    notBefore,
    notAfter: notBefore + HOUR_MS,
    extensions: name === undefined ? others : [...others, name],
  }
  const leaf = encodePem('CERTIFICATE', signTemplate(fields, authority))
  return {
    keyPem: exportPrivateKey(privateKey),
    chainPem: leaf + authority.intermediate.pem,
    notBefore: 0,
    notAfter: 0,
  }
}

function withoutIntermediate(pair: HeldKeyPair): HeldKeyPair {
  const end = '-----END CERTIFICATE-----\n'
  return { ...pair, chainPem: pair.chainPem.slice(0, pair.chainPem.indexOf(end) + end.length) }
}

async function knockAtOldServer(pair: HeldKeyPair, maxVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2') {
  const { keyPem: key, chainPem: cert } = pair
  const server = createServer({ key, cert, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0', ALPNProtocols: ['h2'] })
  server.on('secureConnection', (socket) => socket.on('error', () => undefined).write('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { address, port } = server.address() as AddressInfo
    return await knock({ address, port }, { pair, name: 'main.payments.mesh', maxVersion })
  } finally {
    server.close()
  }
}

/** Whether a connection resumes the session of one before it. */
async function resumes({ keyPem, chainPem }: HeldKeyPair, servername: string): Promise<boolean> {
  const options = {
    host: AT.address,
    port: AT.port,
    servername,
    rejectUnauthorized: false,
    key: keyPem,
    cert: chainPem,
  }
  const ALPNProtocols = servername.includes('ledger') ? [] : ['h2']
  const tickets: Buffer[] = []
  const first = connect({ ...options, ALPNProtocols })
  first.on('session', (ticket: Buffer) => tickets.push(ticket))
  await answered(first)
  const sessions = [first.getSession(), ...tickets].filter((session) => session !== undefined)
  first.destroy()
  assert.ok(sessions.length > 0)
  for (const session of sessions) {
    const second = connect({ ...options, ALPNProtocols, session })
    await answered(second)
    const reused = second.isSessionReused()
    second.destroy()
    if (reused) return true
  }
  return false
}

/** Waits for the first bytes of the server: tickets, if there are any, come before them. */
async function answered(socket: TLSSocket): Promise<void> {
  socket.once('secureConnect', () => {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
    if (socket.alpnProtocol === 'h2') socket.write(preface)
  })
  await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
}
