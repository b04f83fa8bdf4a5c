import { answers } from '../../common/hold-directory.js'

/** Another process answers at the admin socket. */
export class AdminSocketTaken extends Error {
  override readonly name = 'AdminSocketTaken'
  readonly path: string

  constructor(path: string) {
    super(`another control plane, or another program, answers at the admin socket ${path}`)
    this.path = path
  }
}

/** Leaves a socket to whoever answers there; one at which nobody does may be replaced. @throws AdminSocketTaken */
export async function refuseTakenSocket(path: string): Promise<void> {
  if (await answers(path)) throw new AdminSocketTaken(path)
}
