import { execFile } from 'node:child_process'
import { MESH } from '../docs/read-example.js'

/** Runs `mesh …` to its end, as an operator does. */
export function mesh(...words: readonly string[]): Promise<{ readonly code: number; readonly printed: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MESH, ...words], { timeout: 20_000 }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), printed: `${out}${err}` }),
    )
  })
}
