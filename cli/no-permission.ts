import { CommandFailure, EXIT } from './exit.js'

/** A file or directory that a command needs, and the setting that says where it is. */
export interface Place {
  readonly setting: string
  readonly path: string
}

/**
 * Does what needs files and directories of a daemon, and tells of a lack of rights in one line: what it is about, and which
 * setting moves it.
 *
 * @throws CommandFailure `permission`; any other error as it is
 */
export async function withRights<T>(places: readonly Place[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const path = deniedPath(error)
    if (path === undefined) throw error
    const place = places.find((one) => path === one.path || path.startsWith(`${one.path}/`) || isAbove(path, one.path))
    const moved = place === undefined ? '' : `\`${place.setting}\` in the settings or with --set moves it; or `
    const hint = `${moved}run it as the user to whom it belongs: under systemd, or with sudo`
    throw new CommandFailure(EXIT.permission, `this user may not write or read ${path}`, hint, error)
  }
}

/** Of a directory that cannot be made, the error may name one above it. */
function isAbove(path: string, place: string): boolean {
  return path !== '/' && place.startsWith(`${path}/`)
}

/** The path of an error of the file system that is about rights, also of one that caused another error. */
function deniedPath(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code = '', path, address } = error as NodeJS.ErrnoException & { readonly address?: string }
  const about = path ?? address
  if (['EACCES', 'EPERM', 'EROFS'].includes(code) && about?.startsWith('/')) return about
  return deniedPath(error.cause)
}
