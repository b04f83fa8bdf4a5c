import { type Defence, defencesOf } from './defence.js'

const files = defencesOf('common/files.js', 'api/local-access.test.js')
const owner = defencesOf('agent/file-owner.js', 'config/services.test.js')

const KEYS = 'the keys of a host, and its directory of them, are for its owner alone'
const OWNERS = 'only root and the own user may own a service file, and nobody else may write it'

/** What stands between the users of one machine, and between a host and a copy of it. */
export const LOCAL_ACCESS: readonly Defence[] = [
  files(
    'what is written is for its owner alone',
    'writeFileAtomically(path, content, mode = 0o600)',
    'writeFileAtomically(path, content, mode = 0o644)',
    KEYS,
  ),
  files(
    'a directory of keys is for its owner alone',
    'makeDirectory(path, mode = 0o700)',
    'makeDirectory(path, mode = 0o755)',
    KEYS,
  ),
  defencesOf('controlplane/admin/server.js', 'api/local-access.test.js')(
    'the admin socket is for its owner and group',
    'await chmod(path, 0o660);',
    '',
    'the admin socket is for its owner and group alone',
  ),
  owner('a file that others may write decides nothing', '(mode & 0o022) === 0', 'true', OWNERS),
  owner('a file of another user decides nothing', 'if (uid !== 0 && uid !== ownUser)', 'if (false)', OWNERS),
  defencesOf('agent/checks/probe-exec.js', 'agent/probe-exec.test.js')(
    'a program that others may write is not run',
    'return distrust && `',
    'return false && `',
    'a program that others may write, or that belongs to somebody else, is not run',
  ),
  defencesOf('agent/upstream-sockets.js', 'agent/upstream-sockets.test.js')(
    'the directory of an upstream that was open is closed',
    '    await chmod(path, 0o750);',
    '',
    'a directory that was open is closed again',
  ),
  defencesOf('agent/identity/trust-bundle.js', 'agent/certificates.test.js')(
    'only certificates of authorities are trusted as roots',
    '.every((der) => new X509Certificate(der).ca)',
    '.every(() => true)',
    'a trust bundle is taken, and what is none is not',
  ),
  defencesOf('controlplane/api/session.js', 'api/session.test.js')(
    'of two agents with one identity the one that started first is refused',
    'if (!claim(message.value.sessionId))\n                    return;',
    'claimed = true;',
    'a second agent with the same identity is refused once it is known as one, and operators see it',
  ),
]
