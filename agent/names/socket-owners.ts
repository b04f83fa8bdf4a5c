import { readdir, readFile, readlink } from 'node:fs/promises'

/**
 * Finds the processes that hold sockets: by inode, `nginx (812)`. Without root only the sockets of the own user are found;
 * those of others are absent.
 *
 * @param inodes of the sockets that are looked for
 */
export async function findSocketOwners(inodes: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>()
  for (const pid of inodes.size === 0 ? [] : await list('/proc')) {
    if (owners.size === inodes.size) break
    if (!/^\d+$/.test(pid)) continue
    for (const inode of await socketsOf(pid)) {
      if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, `${await nameOf(pid)} (${pid})`)
    }
  }
  return owners
}

async function socketsOf(pid: string): Promise<readonly string[]> {
  const directory = `/proc/${pid}/fd`
  const links = await Promise.all((await list(directory)).map((fd) => readlink(`${directory}/${fd}`).catch(gone)))
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [])
}

async function nameOf(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(gone)).trim() || 'a process'
}

/** The process has ended, or belongs to another user: then there is nothing to read. */
function gone(): string {
  return ''
}

function list(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => [])
}
