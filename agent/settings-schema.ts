import { isIP } from 'node:net'
import { z } from 'zod'
import { duration, hostName, type IssueParams, label, labels, locality, notYet, port } from '../common/config/fields.js'
import { addressAndPort, ipAndPort } from '../common/config/socket-address-field.js'
import { canonicalAddress } from '../common/socket-address.js'

/** Where service files are read from unless the settings say otherwise. */
export const USUAL_SERVICES = '/etc/mesh/services.d'

const ipAddress = z
  .string()
  .refine((value) => isIP(value) !== 0, 'write an IP address')
  .transform(canonicalAddress)
  .meta({ title: 'IP address' })

const cidr = z
  .string()
  .regex(/^\d+\.\d+\.\d+\.\d+\/(?:[89]|1[0-6])$/, 'write an IPv4 range of /16 or larger, such as 127.80.0.0/12')
  .meta({ title: 'IPv4 range' })

const envoy = z.strictObject({
  path: z.string().optional().describe('absent: MESH_ENVOY_PATH, then PATH, then the usual places'),
  concurrency: z.int().min(1).max(64).default(2).describe('worker threads'),
  drainTime: duration.default(30_000).describe('how long open requests may take when the host leaves'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'])
    .default('warning')
    .describe('the least that Envoy logs'),
  heapLimit: notYet(),
  bufferLimit: notYet(),
  anyVersion: z.boolean().default(false).describe('start an Envoy that is older than the supported ones'),
})

const portRange = z
  .string()
  .transform((text, context) => {
    const [, first, last] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).map(Number)
    if (first !== undefined && last !== undefined && first >= 1 && first <= last && last <= 65_535)
      return { first, last }
    const params = { hint: 'write for example 15100-15199' } satisfies IssueParams
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not a range of ports`, params })
    return z.NEVER
  })
  .meta({ pattern: '^\\d{1,5}-\\d{1,5}$' })

const inbound = z.strictObject({
  address: ipAddress.optional().describe('absent: `address`'),
  port: port.default(15006).describe('for the mutual TLS of other hosts'),
  morePorts: portRange
    .prefault('15100-15199')
    .describe('for further instances of a service on this host, one each; other hosts must reach these as they are'),
})

const names = z.strictObject({
  enabled: z.boolean().default(true).describe('whether this host calls services by name'),
  range: cidr.default('127.80.0.0/12').describe('the virtual addresses of this host'),
  dns: ipAndPort.prefault('127.0.0.1:15053').describe('where Envoy answers DNS for the names, UDP'),
  as: label
    .optional()
    .describe(
      'the service whose identity calls by name carry; absent: the only service of the host, or with several the host itself',
    ),
  mode: z
    .enum(['bind', 'redirect'])
    .default('bind')
    .describe(
      'bind: Envoy listens on the virtual addresses itself; redirect: a rule of the firewall sends what is for them to Envoy, and no port is taken from any application',
    ),
  redirectPort: port.default(15001).describe('where Envoy takes redirected connections, on 127.0.0.1'),
  hostsFile: notYet(),
  allowUsers: notYet(),
})

const metrics = z.strictObject({
  envoy: z
    .union([z.literal('off'), addressAndPort])
    .prefault('0.0.0.0:15090')
    .describe('where Envoy answers /metrics and /ready, and nothing else; off: nowhere'),
  agent: z
    .union([z.literal('off'), addressAndPort])
    .prefault('127.0.0.1:15091')
    .describe('where the agent answers /metrics; off: nowhere'),
  profile: notYet(),
  tags: notYet(),
})

/** `agent.yaml`: the settings of one host. */
export const agentSettings = z.strictObject({
  host: hostName.optional().describe('absent: the hostname in lower case'),
  address: ipAddress
    .optional()
    .describe('where other hosts reach this Envoy; absent: the address of the default route'),
  applicationAddress: ipAddress.prefault('127.0.0.1').describe('where the applications of this host listen'),
  locality: locality.prefault({}).describe('where this host is'),
  labels: labels.default({}).describe('of the host'),
  controlPlanes: z.array(addressAndPort).default([]).describe('absent: those of the join token'),
  discovery: z
    .literal('agent', {
      error: (issue) => (issue.input === 'consul' ? 'discovery: consul is not supported yet' : 'write agent'),
    })
    .default('agent')
    .describe('agent: by what the agents report to the control plane'),
  consul: notYet(),
  envoy: envoy.prefault({}).describe('the Envoy that the agent runs'),
  advertise: z
    .strictObject({
      address: ipAddress.describe('the address before the translation'),
      port: port.optional().describe('absent: that of `inbound`'),
    })
    .optional()
    .describe('what other hosts connect to, behind NAT; absent: `address`'),
  inbound: inbound.prefault({}).describe('where Envoy listens for other hosts'),
  names: names.prefault({}).describe('calls by name: http://payments.mesh'),
  capture: notYet(),
  metrics: metrics.prefault({}).describe('where metrics are read'),
  servicesDirectory: z.string().default(USUAL_SERVICES).describe('the files of the services of this host'),
  stateDirectory: z.string().default('/var/lib/mesh-agent').describe('keys, certificates, the last good configuration'),
  runDirectory: z
    .string()
    .default('/run/mesh-agent')
    .describe("the xDS socket, Envoy's bootstrap and log, and the rule of mode redirect"),
  envoyRunDirectory: z.string().default('/run/mesh-envoy').describe("Envoy's admin socket"),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('the least that the agent logs'),
})

export type AgentSettings = z.infer<typeof agentSettings>
