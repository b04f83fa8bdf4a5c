import { z } from 'zod'
import { notYet } from '../../../common/config/fields.js'

function onlyDefault(name: string, value: string, others: readonly string[]) {
  return z
    .literal(value, {
      error: (issue) =>
        others.includes(String(issue.input))
          ? `${name}: ${String(issue.input)} is not supported yet`
          : `${JSON.stringify(issue.input)} is not one of: ${[value, ...others].join(', ')}`,
    })
    .default(value)
}

/** `kind: mesh`: what holds for the whole mesh; at most one. */
export const meshDocument = z.strictObject({
  kind: z.literal('mesh'),
  tls: onlyDefault('tls', 'strict', ['permissive', 'off']).describe(
    'strict: hosts of the mesh take nothing but mutual TLS',
  ),
  authorization: z
    .enum(['allow', 'deny'])
    .default('allow')
    .describe('what happens to a call to a service that has no allow rule'),
  visibility: onlyDefault('visibility', 'all', ['declared']).describe(
    'all: every host learns the names of all services',
  ),
  outbound: onlyDefault('outbound', 'mesh-only', ['any']).describe(
    'mesh-only: captured connections to unknown places are refused',
  ),
  defaults: notYet(),
  accessLog: notYet(),
  tracing: notYet(),
})

export type MeshDocument = z.infer<typeof meshDocument>
