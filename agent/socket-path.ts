import { join } from 'node:path'
import { problemAt } from '../common/config/validate.js'
import type { YamlDocument } from '../common/config/yaml.js'
import type { Problem } from '../common/problem.js'
import type { ServiceFileText } from './services-schema.js'

const SOCKET_PATH = /^(.*)\/([^/]*)$/
const SOCKET_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** Where the sockets of a host are unless its settings say otherwise. */
const DEFAULT_SOCKET_DIRECTORY = '/run/mesh-envoy/upstreams'

/** What only a Unix socket has, and where it may be: below a directory that is made for its service. */
export function checkSocket(
  { bind, mode, group }: ServiceFileText['upstreams'][number],
  index: number,
  service: string,
  document: YamlDocument,
  socketDirectory: string | undefined,
): readonly Problem[] {
  const at = (key: string) => ['upstreams', index, key]
  if (!('path' in bind)) {
    return Object.entries({ mode, group }).flatMap(([key, value]) => {
      if (value === undefined) return []
      const message = `\`${key}\` is only for Unix sockets`
      return problemAt(document, { code: 'MSH0220', path: at(key), message, hint: 'leave it out' })
    })
  }
  const [, own = '', name = ''] = SOCKET_PATH.exec(bind.path) ?? []
  const right = join(socketDirectory ?? DEFAULT_SOCKET_DIRECTORY, service)
  const inPlace = socketDirectory === undefined ? own.endsWith(`/upstreams/${service}`) : own === right
  const named = SOCKET_NAME.test(name)
  if (inPlace && named && !own.includes('/../')) return []
  const message = `the sockets of ${service} are files of ${right}, where nobody else can make any`
  const hint = `write unix:${right}/${named ? name : 'name.sock'}`
  return [problemAt(document, { code: 'MSH0205', path: at('bind'), message, hint })]
}
