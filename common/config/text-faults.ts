import type { SyntaxFault } from './syntax-faults.js'

interface Rule {
  readonly form: RegExp
  readonly fault: (found: string) => Omit<SyntaxFault, 'at'>
}

const RULES: readonly Rule[] = [
  {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    form: /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/,
    fault: (found) => ({
      code: 'MSH0119',
      message: `${codePointOf(found)} is no character of a text`,
      hint: found === '\0' ? 'the file is not text, is UTF-16, or was not written to its end' : 'remove it',
    }),
  },
  {
    form: /\r(?!\n)/,
    fault: () => ({
      code: 'MSH0119',
      message: 'the line ends with a carriage return alone',
      hint: 'save the file with line ends LF or CRLF',
    }),
  },
  {
    form: /(?<!^)\ufeff/,
    fault: () => ({
      code: 'MSH0119',
      message: 'a byte order mark stands inside the file',
      hint: 'remove it; files that were joined have one each',
    }),
  },
  {
    form: /^ *(?:- +)*(?:\w[\w-]*:)?([\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000])/m,
    fault: (found) => ({
      code: 'MSH0119',
      message: `${codePointOf(found)} looks like a space and is none`,
      hint: 'replace it by a space',
    }),
  },
  {
    form: /^(?:<{7}|>{7}) /m,
    fault: () => ({ code: 'MSH0120', message: 'a merge was not finished', hint: 'resolve the conflict in this file' }),
  },
]

/**
 * What is wrong with a text before anything of it is read as YAML: characters that are not, or not what they seem. Of
 * each kind the first is told.
 */
export function textFaults(text: string): readonly SyntaxFault[] {
  return RULES.flatMap(({ form, fault }) => {
    const match = form.exec(text)
    if (match === null) return []
    const [whole, character = whole] = match
    return { ...fault(character), at: match.index + whole.length - character.length }
  })
}

function codePointOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** The fault of a number that people read differently than YAML does; undefined where there is none. */
export function numberFault(source: string, value: number): Omit<SyntaxFault, 'at'> | undefined {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(source) || !Number.isFinite(value)) return undefined
  return {
    code: 'MSH0118',
    message: `\`${source.slice(0, 40)}\` is read as the number ${value}`,
    hint: `write ${value}, or put it in quotes if it is text`,
  }
}
