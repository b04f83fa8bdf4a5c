/** Hosts that ask for certificates, in a process of its own. */
import { create } from '@bufbuild/protobuf'
import type { Client } from '@grpc/grpc-js'
import { call, issue } from '../../../agent/control-plane/calls.js'
import { openChannel } from '../../../agent/control-plane/channel.js'
import { CertificateRequestSchema, IssueRequestSchema } from '../../../common/proto/mesh/v1/mesh_pb.js'
import { TRUST_DOMAIN } from '../mesh/fleet.js'
import { answer } from '../process/remote.js'
import type { Credentials, ServerAddress } from './connect.js'

/** Hosts that renew: each asks for its own certificate and that of its service, as an agent does. */
export interface Renewal {
  readonly server: ServerAddress
  readonly csrPem: string
  readonly hosts: readonly { readonly host: string; readonly service: string; readonly credentials: Credentials }[]
}

interface Asker {
  readonly client: Client
  readonly request: ReturnType<typeof requestOf>
}

let askers: readonly Asker[] = []

const api = {
  /** Connects all hosts. */
  async connect({ server, csrPem, hosts }: Renewal) {
    const trust = { trustBundlePem: server.trustBundlePem ?? '', trustDomain: TRUST_DOMAIN }
    askers = hosts.map(({ service, credentials }) => ({
      client: openChannel(server, trust, credentials),
      request: requestOf(service, csrPem),
    }))
    for (const { client } of askers) await ready(client)
  },

  /** Asks for so many seconds, each host again as soon as it has its certificates. @returns certificates in a second */
  async run(seconds: number) {
    const begun = performance.now()
    const end = begun + 1000 * seconds
    let issued = 0
    const ask = async ({ client, request }: Asker) => {
      while (performance.now() < end) {
        const { results } = await call(client, issue, request)
        const refused = results.find(({ result }) => result.case !== 'certificate')
        if (refused !== undefined) throw new Error(`refused: ${String(refused.result.value)}`)
        issued += results.length
      }
    }
    await Promise.all(askers.map(ask))
    return (1000 * issued) / (performance.now() - begun)
  },
}

/** What the process can be asked. */
export type RenewalsApi = typeof api

function requestOf(service: string, csrPem: string) {
  const subjects = [
    { case: 'host', value: true },
    { case: 'service', value: service },
  ] as const
  const requests = subjects.map((subject) => create(CertificateRequestSchema, { csrPem, subject }))
  return create(IssueRequestSchema, { requests })
}

function ready(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + 20_000, (error) => (error === undefined ? resolve() : reject(error)))
  })
}

answer(api)
