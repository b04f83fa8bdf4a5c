/** Marks the built command as executable, so that `npm link` and packages can run it as `mesh`. */
import { chmodSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

chmodSync(fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)), 0o755)
