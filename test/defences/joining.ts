import type { Defence } from './defence.js'

const TOKEN_USE = 'controlplane/ca/token-use.js'

/** What stands between somebody and a first certificate. */
export const JOINING: readonly Defence[] = [
  {
    defence: 'a token has no more uses than it was made for',
    file: TOKEN_USE,
    find: 'token.taken.length >= token.uses',
    replace: 'false',
    test: 'ca/tokens.test.js',
    names: ['a token grants its services to its host, once'],
  },
]
