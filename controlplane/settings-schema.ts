import { z } from 'zod'
import { duration, hostName, label, notYet } from '../common/config/fields.js'
import { addressAndPort } from '../common/config/socket-address-field.js'
import { DEFAULT_GRACES } from './catalog/presence.js'

/** Where documents are read from unless the settings say otherwise. */
export const USUAL_DOCUMENTS = ['/etc/mesh/mesh.d', '/etc/mesh/routes.d'] as const

/** Where `kind: catalog` documents are read from unless the settings say otherwise. */
export const USUAL_CATALOG = '/etc/mesh/catalog.d'

const DAY_MS = 86_400_000

/** No certificate of a host or service lives longer, milliseconds. */
const LONGEST_LEAF_MS = 72 * 3_600_000

/** 90 days, milliseconds. */
const LONGEST_RECOVERY_MS = 90 * 24 * 3_600_000

/** 30 days, milliseconds. */
const USUAL_RECOVERY_MS = 30 * 24 * 3_600_000

/** How long hosts that are not heard of are waited for. */
const grace = (ms: number) => duration.default(ms).refine((value) => value >= 1000 && value <= DAY_MS, 'from 1s to 24h')

const discovery = z.strictObject({
  consul: notYet(),
  agents: z
    .literal(true, { error: 'what agents report always counts: false is not supported yet' })
    .default(true)
    .describe("whether agents' reports count; false is not supported yet"),
  files: z.string().default(USUAL_CATALOG).describe('the directory of `kind: catalog` documents'),
  lostGrace: grace(DEFAULT_GRACES.lost).describe(
    'how long instances of a host stay whose session is lost; after that they go where others of their service are healthy',
  ),
  returnGrace: grace(DEFAULT_GRACES.returning).describe(
    'how long a control plane that restarts waits for agents to report again before they count as lost',
  ),
})

const admin = z.strictObject({
  socket: z
    .string()
    .default('/run/mesh-controlplane/admin.sock')
    .describe('the Unix socket of the `mesh` command; everything that changes something goes through it'),
  http: z
    .union([z.literal('off'), addressAndPort])
    .prefault('127.0.0.1:15014')
    .describe('where status is read over HTTP, without changing anything; off: nowhere'),
})

const ca = z.strictObject({
  directory: z
    .string()
    .optional()
    .describe('where `mesh ca init` put the certificates; absent: ca/ in the state directory'),
  leafTtl: duration
    .default(LONGEST_LEAF_MS)
    .refine((ms) => ms >= 10_000 && ms <= LONGEST_LEAF_MS, 'from 10s to 72h')
    .describe('life of the certificates of hosts and services, 10s to 72h'),
  recoveryGrace: duration
    .default(USUAL_RECOVERY_MS)
    .refine((ms) => ms <= LONGEST_RECOVERY_MS, 'up to 2160h')
    .describe('how long after its end the certificate of a host still gets it a new one; 0s: not at all'),
  intermediateTtl: notYet(),
  keyFile: notYet(),
  certFile: notYet(),
  rootFile: notYet(),
})

/** `controlplane.yaml`: the settings of one control plane. */
export const controlPlaneSettings = z.strictObject({
  id: hostName.default('cp-1').describe('its name among the control planes; part of its SPIFFE ID'),
  trustDomain: hostName.describe('one a mesh; part of every identity, never changed afterwards'),
  domain: label.default('mesh').describe('of names, the whole mesh'),
  listen: addressAndPort.prefault('0.0.0.0:15012').describe('where agents connect: gRPC over TLS'),
  advertise: z
    .array(addressAndPort)
    .default([])
    .describe(
      'where agents reach control planes; tokens carry it. Absent: `listen`, or the address of the default route where that stands for all addresses',
    ),
  admin: admin.prefault({}).describe('how operators reach it'),
  metrics: addressAndPort
    .optional()
    .describe('an address that answers /metrics and nothing else; the read-only port does so too'),
  discovery: discovery.prefault({}).describe('where instances are learned from'),
  config: z
    .array(z.string())
    .default([...USUAL_DOCUMENTS])
    .describe('directories of documents, all read the same way'),
  state: z
    .strictObject({
      kind: z
        .literal('file', {
          error: (issue) => (issue.input === 'consul' ? 'state: consul is not supported yet' : 'write file'),
        })
        .default('file')
        .describe('file: on its own disk'),
      directory: z.string().default('/var/lib/mesh-controlplane').describe('where everything that it keeps is'),
    })
    .prefault({})
    .describe('what it keeps over restarts'),
  ca: ca.prefault({}).describe('the certificate authority'),
  push: notYet(),
  verifyPushes: z
    .boolean()
    .default(false)
    .describe('debugging: rebuild everything at each change and compare the bytes'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('the least that is logged'),
})

export type ControlPlaneSettings = z.infer<typeof controlPlaneSettings>
