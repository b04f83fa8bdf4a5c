import { type Defence, defencesOf } from './defence.js'

const use = defencesOf('controlplane/ca/token-use.js', 'ca/tokens.test.js')
const tokens = defencesOf('controlplane/ca/tokens.js', 'ca/tokens.test.js')
const answers = defencesOf('controlplane/ca/tokens.js', 'api/join.test.js')
const hosts = defencesOf('controlplane/ca/hosts.js', 'ca/hosts.test.js')
const file = defencesOf('controlplane/state-file.js', 'ca/state-file.test.js')

const IMPOSTORS = 'the token is sent to no server but a control plane that its root vouches for'

/** What stands between somebody and a host's first certificate. */
export const JOINING: readonly Defence[] = [
  use(
    'a token has no more uses than it was made for',
    'token.taken.length >= token.uses',
    'false',
    'a token grants its services to its host, once',
    'of 100 parallel uses in each of 50 rounds never more keys get in than there are uses',
  ),
  use(
    'a wrong secret is refused',
    'if (!matches)',
    'if (false)',
    '10,000 guesses at a token all fail, and raise one alarm a minute',
  ),
  use(
    'a revoked token is refused',
    'if (token.revoked)',
    'if (false)',
    'a revoked token is refused, also to a key that had used it',
  ),
  use(
    'a token ends at its time',
    'use.now >= token.expiresAt',
    'false',
    'a token ends at its time, which is ten minutes unless given',
  ),
  use(
    'a token is for its host alone',
    '!matchesPattern(token.hosts, use.host)',
    'false',
    'a token for web-1 is refused to "web-2", and web-1 can use it afterwards',
  ),
  use(
    'a token for a pattern lets in nothing that is no name',
    '!DNS_NAME.test(use.host)',
    'false',
    'a pattern lets in names that it matches, and nothing that is no name',
  ),
  use(
    'a use is of one key for one host',
    "before.host === use.host ? { token, repeated: true } : { refused: 'key-of-another-host' }",
    '{ token, repeated: true }',
    'a key that joined as one host cannot join as another by the same token',
  ),
  tokens(
    'a used token that cannot be recorded lets nobody in',
    'throw refuse(outcome.refused)',
    'return { granted: [] }',
    'a token grants its services to its host, once',
  ),
  tokens(
    'a token is kept by the hash of its secret alone',
    "const secretHash = hashSecret(secret).toString('hex');",
    'const secretHash = secret;',
    'neither the log nor the file nor the list holds the secret',
  ),
  tokens(
    'a token lives no longer than its kind may',
    'ttl <= TOKEN_TTL_MS[kind]',
    'true',
    'a token with more than an hour for one host is not made',
  ),
  tokens(
    'an alarm tells of another key after the last use',
    "alarm: reason === 'used-up'",
    'alarm: false',
    'every refusal looks the same to the caller, and each is audited with its own reason',
  ),
  answers(
    'the answer does not tell what is wrong with a token',
    'super(',
    'super(reason + ',
    'whatever is wrong with a token, the answer is the same',
  ),
  hosts(
    'a name that is in use is not taken over',
    'if (known.keyHash === keyHash)',
    'if (true)',
    'a host whose answer was lost may join again with the same key, and nobody else by its name',
  ),
  hosts(
    'a banned host does not join',
    'if (known.banned !== undefined)',
    'if (false)',
    'a banned host runs nothing, gets nothing and cannot join, until it is evicted',
  ),
  hosts(
    'nothing is issued to a host that was banned meanwhile',
    'if (record.banned !== undefined)',
    'if (false)',
    'a banned host runs nothing, gets nothing and cannot join, until it is evicted',
  ),
  hosts(
    'a banned host may run no service',
    'if (record === undefined || record.banned !== undefined)',
    'if (record === undefined)',
    'a banned host runs nothing, gets nothing and cannot join, until it is evicted',
  ),
  hosts(
    'what was issued before an eviction is not recognised',
    'certificates.some((one) => one.serial === serial) === true',
    'certificates.length !== 0',
    'certificates from before an eviction are not recognised after the host joined again',
  ),
  file(
    'a change is on the disk before its caller hears of it',
    'await this.#write(this.#path, ',
    'void this.#write(this.#path, ',
    'a change is on the disk before its caller hears of it',
  ),
  defencesOf('agent/control-plane/channel.js', 'api/join.test.js')(
    'an agent speaks to control planes alone',
    "if (identity?.kind !== 'control-plane')",
    'if (false)',
    IMPOSTORS,
    'not to a host of our mesh',
  ),
  defencesOf('agent/identity/find-root.js', 'api/join.test.js')(
    'an agent that joins believes the root with the fingerprint of its token alone',
    "createHash('sha256').update(der).digest('hex') === fingerprint",
    'new X509Certificate(der).ca && new X509Certificate(der).verify(new X509Certificate(der).publicKey)',
    IMPOSTORS,
    'not to a foreign CA',
  ),
  defencesOf('agent/control-plane/channel.js', 'api/join.test.js')(
    'an agent that joins verifies the chain up to the root',
    'checkServerIdentity: ',
    'rejectUnauthorized: false, checkServerIdentity: ',
    IMPOSTORS,
    'not to a leaf that names our intermediate and that another key signed',
    'not to a control plane of our mesh whose certificate has expired',
  ),
]
