import { parseSpiffeId } from '../../common/identity.js'
import { byLabel, type MetricsRegistry } from '../../common/metrics/registry.js'
import type { Decided } from '../ca/audit.js'
import type { JoinTokens } from '../ca/tokens.js'

/** Ends of certificates, wall-clock milliseconds. */
export interface AuthorityExpiries {
  readonly own: number
  readonly intermediate: number
  readonly root: number
}

/** What the certificate authority holds. */
export function addAuthorityMetrics(
  metrics: MetricsRegistry,
  expiries: () => AuthorityExpiries,
  tokens: JoinTokens,
): void {
  metrics.gauge(
    {
      name: 'mesh_certificate_expiry_timestamp_seconds',
      help: "When the control plane's own certificate, its intermediate and the root end.",
      labels: ['certificate'],
    },
    () =>
      byLabel(
        'certificate',
        Object.entries(expiries()).map(([name, ms]) => [name, ms / 1000]),
      ),
  )
  metrics.gauge({ name: 'mesh_join_tokens', help: 'Join tokens that can still be used.' }, () => {
    const now = Date.now()
    return tokens.list().filter((one) => !one.revoked && one.expiresAt > now && one.taken.length < one.uses).length
  })
}

/** Counts the decisions of the certificate authority. */
export function countDecisions(metrics: MetricsRegistry): Decided {
  const issued = metrics.counter(
    { name: 'mesh_certificates_issued_total', help: 'Certificates issued, by what they are for.', labels: ['subject'] },
    [{ subject: 'host' }, { subject: 'service' }, { subject: 'control-plane' }],
  )
  const refused = metrics.counter({
    name: 'mesh_certificates_refused_total',
    help: 'Requests for certificates that were refused, by reason, as in the audit log.',
    labels: ['reason'],
  })
  const uses = metrics.counter(
    {
      name: 'mesh_join_token_uses_total',
      help: 'Uses of join tokens; alarm: refused, with a token that another key has used before.',
      labels: ['result'],
    },
    [{ result: 'granted' }, { result: 'refused' }, { result: 'alarm' }],
  )
  return {
    certificate(decision) {
      if (decision.decision === 'refused') refused.add(1, { reason: decision.reason })
      else issued.add(1, { subject: parseSpiffeId(decision.identity)?.kind ?? 'other' })
    },
    token(decision) {
      const alarm = decision.decision === 'refused' && decision.alarm
      uses.add(1, { result: alarm ? 'alarm' : decision.decision })
    },
  }
}
