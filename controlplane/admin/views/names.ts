import type { ProblemView } from '../../../common/admin-api.js'
import type { AgentRecord } from '../../catalog/agents.js'
import type { PipelineState } from '../../pipeline.js'

/** What is true of every host whose Envoy has few rights, and therefore only told of each host. */
const USUAL = 'MSH0504'

/** What a person should know of calls by name on a host that is here, and of calls around the mesh; the worst first. */
export function viewNames(record: AgentRecord, state: PipelineState): readonly ProblemView[] {
  const { host, session, facts, services } = record
  if (session.state !== 'live') return []
  const broken: readonly ProblemView[] =
    facts.namesProblem === '' ? [] : [{ place: host, severity: 'error', code: 'MSH0502', message: facts.namesProblem }]
  const exposed = services.flatMap(({ service, exposedAt }) =>
    exposedAt.length === 0 ? [] : [viewExposed(host, service, exposedAt)],
  )
  return [...broken, ...exposed, ...leftOut(record, state)]
}

/** Of what {@link viewNames} tells, that which belongs in the status of the whole mesh. */
export function isUnusual({ code }: ProblemView): boolean {
  return code !== USUAL
}

function viewExposed(host: string, service: string, exposedAt: readonly string[]): ProblemView {
  return {
    place: host,
    severity: 'notice',
    code: 'MSH0505',
    message: `${service} listens on ${exposedAt.join(' and ')}: other hosts reach it there around the mesh, in plain text`,
    hint: 'have it listen on 127.0.0.1',
  }
}

/** A port of the host's own services is in nobody's way but of other services that have the same. */
function leftOut({ host, facts, services }: AgentRecord, { mesh }: PipelineState): readonly ProblemView[] {
  const view = mesh?.nameViews.get(mesh.hosts.get(host)?.nameView ?? '')
  const holders = new Map(facts.portHolders.map(({ port, process }) => [port, process]))
  return (view?.leftOut ?? []).flatMap(({ number, services: named }): readonly ProblemView[] => {
    const holder = holders.get(number)
    const own = services.filter(({ ports }) => ports.some(({ port }) => port === number)).map(({ service }) => service)
    const others = holder === undefined ? named.filter((service) => !own.includes(service)) : named
    if (others.length === 0) return []
    const what = `${formatNames(others, mesh?.domain ?? '', number)} not found on this host`
    if (holder !== undefined) {
      const who = holder === '' ? 'a program' : holder
      return [notice(host, 'MSH0503', `${what}: ${who} listens on port ${number} of all addresses`)]
    }
    if (own.length > 0)
      return [notice(host, 'MSH0503', `${what}: port ${number} is that of its own ${own.join(' and ')}`)]
    return [notice(host, USUAL, `${what}: Envoy may not listen on ports as low as ${number} there`)]
  })
}

function notice(host: string, code: string, message: string): ProblemView {
  const hint = 'with names.mode: redirect no port is in the way of names'
  return { place: host, severity: 'notice', code, message, hint }
}

function formatNames([first = '', ...more]: readonly string[], domain: string, number: number): string {
  const name = `${first}.${domain}:${number}`
  return more.length === 0 ? `${name} is` : `${name} and ${more.length} more are`
}
