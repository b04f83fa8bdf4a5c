import { parse, stringify } from 'yaml'

const PIECES = [
  ...[
    '\t',
    '\n',
    ': ',
    '- ',
    '*s',
    '&s ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '---\n',
    '!!set ',
    '<<: ',
    '__proto__: ',
    '\0',
  ],
  ...['\u2028', '😀', '#', '|', '>', '%YAML 1.1\n', '.nan', '1e999', '0x1F', '~', 'constructor: ', 'toString: '],
  ...['null: ', '? ', '\r', '\ufeff', '\u00a0', '@', '`', '-0', '1.0.0', 'on', '<<<<<<< a\n', '169.254.169.254'],
]

/** A text with one mistake in it: in its bytes, its tokens or its structure. */
export function mutate(text: string, random: () => number): string {
  const way = random()
  if (way < 0.25) return mutateBytes(text, random)
  return way < 0.75 ? mutateTokens(text, random) : mutateStructure(text, random)
}

function mutateBytes(text: string, random: () => number): string {
  const bytes = Buffer.from(text)
  for (let times = 1 + Math.floor(random() * 3); times > 0; times--)
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
  // As the reader of files would: what is no UTF-8 never gets further than there.
  return bytes.toString('utf8')
}

function mutateTokens(text: string, random: () => number): string {
  const at = () => Math.floor(random() * (text.length + 1))
  const piece = () => PIECES[Math.floor(random() * PIECES.length)] ?? ''
  const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number]
  const way = random()
  if (way < 0.35) return text.slice(0, from) + piece() + text.slice(from)
  if (way < 0.55) return text.slice(0, from) + text.slice(to)
  if (way < 0.7) return text.slice(0, from)
  if (way < 0.85)
    return text.slice(0, from) + text.slice(from, to).repeat(1 + Math.floor(random() * 4)) + text.slice(to)
  return text.slice(0, from) + piece().repeat(Math.floor(random() * 100)) + text.slice(from)
}

const VALUES: readonly unknown[] = [
  null,
  true,
  '',
  0,
  -1,
  1e21,
  'x'.repeat(300),
  [],
  {},
  [[]],
  { a: { b: {} } },
  '*',
  '5s',
]

/** One node somewhere becomes something else, moves into a list, or gets a neighbour. */
function mutateStructure(text: string, random: () => number): string {
  let value: unknown
  try {
    value = parse(text)
  } catch {
    return mutateTokens(text, random)
  }
  return stringify(changeSomewhere(value, random))
}

function changeSomewhere(value: unknown, random: () => number): unknown {
  const other = () => VALUES[Math.floor(random() * VALUES.length)]
  if (random() < 0.2 || typeof value !== 'object' || value === null) return random() < 0.3 ? [value] : other()
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length)
    return random() < 0.2 ? [...value, other()] : value.map((one, i) => (i === at ? changeSomewhere(one, random) : one))
  }
  const entries = Object.entries(value)
  const at = Math.floor(random() * entries.length)
  if (random() < 0.2) return Object.fromEntries(entries.filter((_, index) => index !== at))
  return Object.fromEntries(entries.map(([key, one], i) => [key, i === at ? changeSomewhere(one, random) : one]))
}
