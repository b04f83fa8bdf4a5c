import { suggest } from '../../common/config/suggest.js'
import { compareProblems, type Problem } from '../../common/problem.js'
import type { Config } from './config.js'
import { found } from './found.js'
import type { RouteDestination } from './schema/route.js'

/**
 * What of the references between documents can be judged without knowing what runs: a subset stands in a document, so
 * one that does not is a mistake. A service may be reported by a host at any time; only a name that is almost that of
 * a service with documents is told, as a notice.
 */
export function checkReferences(config: Config): readonly Problem[] {
  const services = servicesOf(config)
  return [...config.routes.values()]
    .flatMap((byPort) => [...byPort.values()])
    .flatMap((route) =>
      route.value.rules.flatMap((rule, index) => {
        const destinations: readonly (readonly [RouteDestination, readonly (string | number)[]])[] = [
          ...(rule.to === undefined ? [] : [[rule.to, ['rules', index, 'to']] as const]),
          ...(rule.split ?? []).map((one, at) => [one, ['rules', index, 'split', at]] as const),
        ]
        return destinations.flatMap(([destination, path]) => [
          ...unknownSubset(destination, route.value.service, config).map((what) =>
            found(route, [...path, 'subset'], { code: 'MSH0303', ...what }),
          ),
          ...unknownService(destination, services).map((what) =>
            found(route, [...path, 'service'], { code: 'MSH0301', ...what }, 'notice'),
          ),
        ])
      }),
    )
    .sort(compareProblems)
}

interface What {
  readonly message: string
  readonly hint: string
}

function unknownSubset({ service, subset }: RouteDestination, owner: string, { services }: Config): readonly What[] {
  if (subset === undefined) return []
  const name = service ?? owner
  const known = Object.keys(services.get(name)?.value.subsets ?? {})
  if (known.includes(subset)) return []
  const meant = suggest(subset, known)
  const listed =
    known.length === 0 ? `write subsets in { kind: service, service: ${name} }` : `it has ${known.join(', ')}`
  return [{ message: `${name} has no subset ${subset}`, hint: meant === undefined ? listed : `did you mean ${meant}?` }]
}

/** Services that any document but a destination names. */
function servicesOf({ services, routes, catalogs }: Config): readonly string[] {
  return [...new Set([...services.keys(), ...routes.keys(), ...catalogs.keys()])]
}

function unknownService({ service }: RouteDestination, known: readonly string[]): readonly What[] {
  if (service === undefined || known.includes(service)) return []
  const meant = suggest(service, known)
  if (meant === undefined) return []
  return [{ message: `no document is about ${service}`, hint: `did you mean ${meant}?` }]
}
