import { AuthorityError } from './ca/authority-error.js'
import { LeftOpenError } from './config/left-open.js'
import { StateFileError } from './state-file.js'

/** Whether a control plane has ended for something that a person has to mend: starting it again would be of no use. */
export function needsMending(error: unknown): error is Error {
  return error instanceof AuthorityError || error instanceof StateFileError || error instanceof LeftOpenError
}
