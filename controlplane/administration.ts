import { isWildcard, type SocketAddress } from '../common/socket-address.js'
import { VERSION } from '../common/version.js'
import { adminRoutes } from './admin/routes.js'
import type { AdminRoute } from './admin/server.js'
import { countFileProblems } from './admin/views/file-problems.js'
import type { ViewSource } from './admin/views/source.js'
import type { SelfFacts } from './admin/views/status.js'
import type { OwnTarget } from './admin/views/targets.js'
import type { ControlPlane } from './assemble.js'
import { viewAuthorityExpiry } from './ca/authority-expiry.js'
import { addAuthorityMetrics } from './metrics/certificate-metrics.js'
import { addConfigMetrics, addMeshMetrics } from './metrics/mesh-metrics.js'
import type { ControlPlaneSettings } from './settings-schema.js'

/**
 * What operators can ask of a control plane and change in it, and what its metrics tell.
 *
 * @param reachable where hosts find control planes
 */
export function administer(controlPlane: ControlPlane, reachable: readonly SocketAddress[]): readonly AdminRoute[] {
  const { settings, state, directory, authority, questions, api, metrics } = controlPlane
  addMetrics(controlPlane)
  return adminRoutes({
    source: () => viewSource(controlPlane),
    self: () => selfFacts(controlPlane),
    tokens: state.tokens,
    hosts: state.hosts,
    controlPlanes: reachable,
    rootFingerprint: authority.rootFingerprint,
    ask: (host, about) => questions.ask(host, about),
    disconnect: (host) => {
      directory.forget(host)
      return api.disconnect(host)
    },
    metrics,
    ownTarget: ownTarget(settings, reachable),
  })
}

function viewSource({ settings, pipeline, directory, state, xds, quarantine }: ControlPlane): ViewSource {
  return {
    id: settings.id,
    state: pipeline.state.value,
    records: directory.records.value,
    enrolled: state.hosts.list(),
    streams: xds.statuses(),
    left: directory.left,
    clones: directory.claims.alarms.value,
    quarantined: [...quarantine.changes.value.values()],
  }
}

function selfFacts({ settings, startedAt, certificate, authority, config }: ControlPlane): SelfFacts {
  return {
    id: settings.id,
    version: VERSION,
    trustDomain: settings.trustDomain,
    domain: settings.domain,
    startedAt,
    certificateExpiry: certificate.value.notAfter,
    authority: viewAuthorityExpiry(authority, Date.now()),
    config: { ...config.loaded.value, readAt: config.readAt() },
  }
}

function addMetrics(controlPlane: ControlPlane): void {
  const { config, pipeline, authority, certificate, state, metrics } = controlPlane
  addMeshMetrics(metrics, () => viewSource(controlPlane))
  addConfigMetrics(metrics, () => {
    const { documents, problems, loadedAt } = config.loaded.value
    const hosts = [...controlPlane.directory.records.value.values()].map(countFileProblems)
    return {
      documents,
      loadedAt,
      readAt: config.readAt(),
      problems: [...problems, ...pipeline.state.value.problems],
      fileProblems: {
        error: hosts.reduce((sum, { error }) => sum + error, 0),
        notice: hosts.reduce((sum, { notice }) => sum + notice, 0),
      },
    }
  })
  const { intermediate, root } = authority
  const ends = { intermediate: intermediate.certificate.notAfter, root: root.certificate.notAfter }
  addAuthorityMetrics(metrics, () => ({ own: certificate.value.notAfter, ...ends }), state.tokens)
}

/** Where Prometheus reads the metrics of this control plane: for a wildcard address, where agents find it. */
function ownTarget(
  { id, metrics, admin }: ControlPlaneSettings,
  reachable: readonly SocketAddress[],
): OwnTarget | undefined {
  const listens = metrics ?? (admin.http === 'off' ? undefined : admin.http)
  if (listens === undefined) return undefined
  const [own = listens] = [listens, ...reachable].filter(({ address }) => !isWildcard(address))
  return { id, address: { address: own.address, port: listens.port } }
}
