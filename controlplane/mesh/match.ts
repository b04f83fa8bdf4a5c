import type { HeaderMatch, RouteMatch } from '../config/schema/route.js'
import type { HeaderCondition, RequestMatch } from './mesh.js'

/** A match that every request fulfils. */
export const ANY_REQUEST: RequestMatch = { headers: [] }

/** The matches of a rule, any of which is enough; a rule without one matches every request. */
export function matchesOf(match: RouteMatch | readonly RouteMatch[] | undefined): readonly RequestMatch[] {
  if (match === undefined) return [ANY_REQUEST]
  return (Array.isArray(match) ? (match as readonly RouteMatch[]) : [match as RouteMatch]).map(matchOf)
}

function matchOf({ path, method, headers = {} }: RouteMatch): RequestMatch {
  const pathMatch = pathOf(path)
  return {
    ...(pathMatch === undefined ? {} : { path: pathMatch }),
    ...(method === undefined ? {} : { methods: method }),
    headers: Object.entries(headers)
      .map(([name, form]) => headerOf(name, form))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

function pathOf(path: RouteMatch['path']): RequestMatch['path'] {
  if (path?.exact !== undefined) return { kind: 'exact', value: path.exact }
  if (path?.prefix !== undefined) return { kind: 'prefix', value: path.prefix }
  return undefined
}

function headerOf(name: string, form: HeaderMatch): HeaderCondition {
  if (form === 'present') return { name, kind: 'present' }
  if (form.exact !== undefined) return { name, kind: 'exact', value: form.exact }
  if (form.regex !== undefined) return { name, kind: 'regex', value: form.regex }
  return { name, kind: 'present' }
}

/** Whether every request fulfils the match, so that nothing after it is reached. */
export function matchesEverything({ grpc, path, methods, headers }: RequestMatch): boolean {
  const anyPath = path === undefined || (path.kind === 'prefix' && path.value === '/')
  return anyPath && grpc === undefined && methods === undefined && headers.length === 0
}
