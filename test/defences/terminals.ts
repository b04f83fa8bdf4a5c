import { type Defence, defencesOf } from './defence.js'

const tables = defencesOf('cli/table.js', 'describe/service.test.js')

/** What stands between a file or another host and the terminal of an operator. */
export const TERMINALS: readonly Defence[] = [
  tables(
    'a table has no control characters',
    String.raw`text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')`,
    'text',
    'what files and hosts say cannot give orders to a terminal',
  ),
]
