import type { Check } from './check.js'
import { applicationKilled } from './checks/application.js'
import { unauthorisedCallIsRefused } from './checks/authorization.js'
import { certificateOfAnotherCaIsRefused, plainTextIsRefused } from './checks/intruders.js'
import { namesResolve } from './checks/names.js'
import { controlPlaneKilled, hostRestartedAlone } from './checks/outages.js'
import { calleeSeesCaller, requestsFlow } from './checks/requests.js'
import { editedRouteTakesEffect, splitIsAsConfigured } from './checks/routes.js'

/** All checks, in the order in which they run; each leaves the mesh as it found it. */
export const CHECKS: readonly Check[] = [
  namesResolve,
  requestsFlow,
  calleeSeesCaller,
  plainTextIsRefused,
  certificateOfAnotherCaIsRefused,
  unauthorisedCallIsRefused,
  splitIsAsConfigured,
  editedRouteTakesEffect,
  applicationKilled,
  controlPlaneKilled,
  hostRestartedAlone,
]
