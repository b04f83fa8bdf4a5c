import { ACCESS_MISTAKES } from './access.js'
import { AGENT_MISTAKES } from './agent.js'
import { CATALOG_MISTAKES } from './catalog.js'
import { CONTROL_PLANE_MISTAKES } from './control-plane.js'
import { FOREIGN_MISTAKES } from './foreign.js'
import { MATCH_MISTAKES } from './match.js'
import type { Mistake } from './mistake.js'
import { ROUTE_MISTAKES } from './route.js'
import { SERVICE_MISTAKES } from './service.js'
import { SERVICE_FILE_MISTAKES } from './service-file.js'
import { YAML_MISTAKES } from './yaml.js'

/** What people write wrong, by the file in which they do. */
export const MISTAKES: readonly Mistake[] = [
  ...ROUTE_MISTAKES,
  ...FOREIGN_MISTAKES,
  ...SERVICE_MISTAKES,
  ...YAML_MISTAKES,
  ...SERVICE_FILE_MISTAKES,
  ...ACCESS_MISTAKES,
  ...MATCH_MISTAKES,
  ...CATALOG_MISTAKES,
  ...AGENT_MISTAKES,
  ...CONTROL_PLANE_MISTAKES,
]

/** Those that a JSON Schema cannot express: what one key says about another, addresses, the syntax of RE2. */
export const NOT_FOR_A_SCHEMA: ReadonlySet<string> = new Set([
  'connect 0',
  'bind 12:30',
  'regex lookahead',
  'regex backref',
  'regex big',
  'regex unclosed',
  'no port',
  'both',
  'two actions',
  'addr url',
  'addr port',
  'addr zero',
  'addr cidr',
  'any addr',
  'address with port',
  'address name',
  'long leaves',
  'a regular expression that is too large',
  'a class of letters twice',
])
