import { spawnSync } from 'node:child_process'
import { MESH } from './read-example.js'

/** The words of the `mesh` command in one line of shell, without redirections and comments; undefined: another command. */
export function meshWords(line: string): readonly string[] | undefined {
  const [command] = line.split(/\s(?:[|>]|#|&&)/, 1)
  const words = (command ?? '').match(/"[^"]*"|'[^']*'|\S+/g) ?? []
  return words[0] === 'mesh' ? words.slice(1) : undefined
}

/** Holds a line against the help of its command. @returns what is wrong: an unknown command, option, or count of words */
export function checkWords(words: readonly string[]): readonly string[] {
  const firstOption = words.findIndex((word) => word.startsWith('-'))
  const leading = firstOption === -1 ? words : words.slice(0, firstOption)
  const help = readHelp(leading)
  const usage = /^Usage: mesh (.*)$/m.exec(help)?.[1] ?? ''
  const pieces = usage.split(' ')
  const path = pieces.filter((piece) => /^[a-z]/.test(piece)).map((piece) => piece.split('|')[0] ?? '')
  if (path.length === 0 || pieces.includes('[command]')) return [`mesh ${leading.join(' ')} is no command`]
  const options = new Map(
    [...help.matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)( <)?/gm)].flatMap(([, short, long, value]) => [
      [short ?? '', value !== undefined] as const,
      [long ?? '', value !== undefined] as const,
    ]),
  )
  const { unknown, plain } = partWords(words.slice(path.length), options)
  const needed = pieces.filter((piece) => piece.startsWith('<')).length
  const most = usage.includes('...') ? Number.POSITIVE_INFINITY : pieces.filter((piece) => isArgument(piece)).length
  const wrongCount = plain.length < needed || plain.length > most
  return [
    ...unknown.map((option) => `mesh ${path.join(' ')} has no option ${option}`),
    ...(wrongCount ? [`mesh ${path.join(' ')} takes ${usage}, not ${plain.length} words`] : []),
  ]
}

function isArgument(piece: string): boolean {
  return /^[<[]/.test(piece) && piece !== '[options]'
}

function partWords(words: readonly string[], options: ReadonlyMap<string, boolean>) {
  const unknown: string[] = []
  const plain: string[] = []
  let value = false
  for (const word of words) {
    if (value) value = false
    else if (!word.startsWith('-') || word === '-') plain.push(word)
    else if (options.has(word)) value = options.get(word) === true
    else unknown.push(word)
  }
  return { unknown, plain }
}

const helps = new Map<string, string>()

function readHelp(words: readonly string[]): string {
  const key = words.join(' ')
  const known = helps.get(key)
  if (known !== undefined) return known
  const { stdout } = spawnSync(process.execPath, [MESH, ...words, '--help'], { encoding: 'utf8' })
  helps.set(key, stdout)
  return stdout
}
