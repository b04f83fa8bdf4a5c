import { LONGEST_ANSWER, type QuestionAbout } from '../../common/questions.js'
import type { AnswerQuestion } from '../control-plane/answers.js'
import { readAdmin } from './admin.js'

/**
 * The only paths of Envoy's admin interface that are read for others; none of them changes anything.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/operations/admin
 */
const PATHS: Readonly<Record<QuestionAbout, string>> = {
  dump: '/config_dump?include_eds',
  clusters: '/clusters?format=json',
  listeners: '/listeners?format=json',
  routes: '/config_dump?resource=dynamic_route_configs',
  endpoints: '/config_dump?include_eds&resource=dynamic_endpoint_configs',
  secrets: '/config_dump?resource=dynamic_active_secrets',
  stats: '/stats?format=json&usedonly',
}

/** A dump may take long on a host with thousands of services, milliseconds. */
const TIMEOUT_MS = 8_000

/** PEM of a private key, as it is or in base64; Envoy redacts them, and this is the lock behind that. */
const PRIVATE_KEY =
  /PRIVATE KEY-----|LS0tLS1CRUdJTiBQUklWQVRF|LS0tLS1CRUdJTiBFQyBQUklWQVRF|LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt/

/** Answers questions of control planes from Envoy's admin socket. */
export function askEnvoy(adminSocket: string): AnswerQuestion {
  return async (about, signal) => {
    if (!Object.hasOwn(PATHS, about)) throw new Error(`this agent knows no question about ${about.slice(0, 40)}`)
    const answer = await readAdmin(adminSocket, PATHS[about as QuestionAbout], TIMEOUT_MS, signal)
    if (answer.length > LONGEST_ANSWER) throw new Error(`Envoy's answer is larger than ${LONGEST_ANSWER} bytes`)
    if (PRIVATE_KEY.test(answer)) throw new Error("Envoy's answer holds a private key; it is not passed on")
    return answer
  }
}
