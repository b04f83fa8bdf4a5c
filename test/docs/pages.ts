import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A fenced code block of a page. */
export interface CodeBlock {
  readonly language: string
  readonly text: string
  /** Page and line of its first line of code: `docs/failures.md:31`. */
  readonly place: string
}

/** A page of the documents. */
export interface Page {
  /** Path from the root of the repository. */
  readonly path: string
  readonly text: string
  /** The text without its code blocks. */
  readonly prose: string
  readonly blocks: readonly CodeBlock[]
}

/** The root of the repository: the nearest directory above this file that has a README, or the current one. */
export const REPOSITORY = findRepository(dirname(fileURLToPath(import.meta.url)))

function findRepository(directory: string): string {
  if (existsSync(join(directory, 'package.json')) && existsSync(join(directory, 'README.md'))) return directory
  const above = dirname(directory)
  return above === directory ? process.cwd() : findRepository(above)
}

/** Reads the pages at the root, those of `docs` and its reference, and those of the examples. */
export function readPages(): readonly Page[] {
  const docs = ['.', 'reference'].flatMap((folder) => markdownIn(join('docs', folder)))
  const examples = readdirSync(join(REPOSITORY, 'examples'))
    .map((name) => `examples/${name}/README.md`)
    .filter((path) => existsSync(join(REPOSITORY, path)))
  const paths = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs, ...examples]
  return paths.map((path) => parsePage(path, readFileSync(join(REPOSITORY, path), 'utf8')))
}

function markdownIn(folder: string): readonly string[] {
  const names = readdirSync(join(REPOSITORY, folder)).filter((name) => name.endsWith('.md'))
  return names.map((name) => join(folder, name))
}

/** Parts a page into its prose and its code blocks. */
export function parsePage(path: string, text: string): Page {
  const blocks: CodeBlock[] = []
  const prose: string[] = []
  let open: { readonly language: string; readonly lines: string[]; readonly line: number } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (open === undefined && fence === null) prose.push(line)
    else if (open === undefined) open = { language: (fence?.[1] ?? '').trim(), lines: [], line: index + 2 }
    else if (fence === null) open.lines.push(line)
    else {
      const { language, lines } = open
      blocks.push({ language, text: `${lines.join('\n')}\n`, place: `${path}:${open.line}` })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${path}: the code block at line ${open.line} has no end`)
  return { path, text, prose: prose.join('\n'), blocks }
}
