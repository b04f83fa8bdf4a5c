/**
 * A text that a terminal only shows: control characters but line feed and tab are written as `\u001b`. Names, errors and
 * outputs of checks come from other hosts and from files, and one that owns a host must not own its operators' terminals.
 * In JSON nothing changes its meaning, since there they can only stand inside of strings.
 */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (one) => {
    return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
