import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { AgentSettings } from '../../agent/settings-schema.js'
import type { FileOwner } from '../../common/config/read-file.js'
import type { Problem } from '../../common/problem.js'
import type { ControlPlaneSettings } from '../../controlplane/settings-schema.js'
import { CommandFailure, EXIT } from '../exit.js'
import { outputOption, printValue, type Write } from '../output.js'
import { formatProblems } from '../settings.js'
import { AGENT_CONFIG } from './agent.js'
import { configOption } from './config-option.js'

interface ValidateOptions {
  readonly config: string
  readonly agent: string
  readonly services: readonly string[]
  readonly output: string
}

/** What is looked at: directories of documents and of service files, and what is wrong with settings. */
interface Plan {
  readonly documents: readonly string[]
  readonly services: readonly string[]
  /** As the agent of this machine reads its service files; absent: these are not the files of this machine. */
  readonly host?: AgentSettings
  readonly settings: readonly Problem[]
  /** Those of the directories that were named to be checked. */
  readonly given: readonly string[]
}

/** `mesh validate`: reads what people write as the daemons do, and says what is wrong with it. */
export function validateCommand(program: Command, write: Write): void {
  program
    .command('validate')
    .description('check documents, service files and settings with the code that the daemons read them with')
    .argument('[directory...]', 'directories to check; those called services.d hold service files')
    .option('--services <directory>', 'a directory of service files; repeatable', collect, [])
    .addOption(configOption('/etc/mesh/controlplane.yaml', 'MESH_CONTROLPLANE_CONFIG'))
    .addOption(
      new Option('--agent <file>', 'settings file of the agent').env('MESH_AGENT_CONFIG').default(AGENT_CONFIG),
    )
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (directories: string[], options: ValidateOptions) => {
      const plan = await planOf(directories, options)
      const { counts, problems } = await judge(plan)
      const failed = problems.some(({ severity }) => severity === 'error')
      if (!printValue(options.output, { files: counts.files, problems }, write)) {
        if (problems.length > 0) write(`${formatProblems(problems)}\n`)
        if (!failed) write(`OK: ${formatCounts(counts)}\n`)
      }
      if (failed) process.exitCode = EXIT.invalidInput
    })
}

const HELP = `
Without directories it checks what this machine has: controlplane.yaml with the documents that it names, and agent.yaml
with the service files that it names, also whose they are. What only the running mesh knows (whether a service exists) is
not judged.

Ends with 65 when there are errors, or when the directories hold nothing to check.

Examples:
  mesh validate
  mesh validate ./mesh.d ./routes.d
  mesh validate --services ./hosts/web-1/services.d`

function collect(directory: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, directory]
}

async function planOf(directories: readonly string[], options: ValidateOptions): Promise<Plan> {
  const given = [...directories, ...options.services]
  for (const directory of given) await needDirectory(directory)
  if (given.length === 0) return planOfMachine(options)
  const isServices = (directory: string) => basename(resolve(directory)) === 'services.d'
  return {
    documents: directories.filter((directory) => !isServices(directory)),
    services: [...directories.filter(isServices), ...options.services],
    settings: [],
    given,
  }
}

/** What the settings files of this machine name; one of them is enough. */
async function planOfMachine({ config, agent }: ValidateOptions): Promise<Plan> {
  const [central, onHost] = [await isThere(config), await isThere(agent)]
  if (!central && !onHost) {
    const hint = 'name directories to check, or settings with --config or --agent'
    throw new CommandFailure(EXIT.noSuchFile, `neither ${config} nor ${agent} exists`, hint)
  }
  const [{ loadSettings }, { controlPlaneSettings }, { configDirectories }, { agentSettings }] = await Promise.all([
    import('../../common/config/settings.js'),
    import('../../controlplane/settings-schema.js'),
    import('../../controlplane/directories.js'),
    import('../../agent/settings-schema.js'),
  ])
  const mesh = central ? await loadSettings(controlPlaneSettings, config, process.env) : undefined
  const host = onHost ? await loadSettings(agentSettings, agent, process.env) : undefined
  return {
    documents: mesh?.settings === undefined ? [] : configDirectories(mesh.settings),
    services: host?.settings === undefined ? [] : [host.settings.servicesDirectory],
    ...(host?.settings === undefined ? {} : { host: host.settings }),
    settings: [
      ...(mesh?.problems ?? []),
      ...(mesh?.settings === undefined ? [] : await foreignAuthority(config, mesh.settings)),
      ...(host?.problems ?? []),
    ],
    given: [],
  }
}

/** A CA that is not the one that the settings name. Where this user cannot read it, the control plane alone finds it. */
async function foreignAuthority(config: string, settings: ControlPlaneSettings): Promise<readonly Problem[]> {
  const [{ foreignness, readOwner }, { caDirectory }, { fileProblem }] = await Promise.all([
    import('../../controlplane/ca/owner.js'),
    import('../../controlplane/directories.js'),
    import('../../common/config/directory.js'),
  ])
  const directory = caDirectory(settings)
  const owner = await readOwner(directory).catch(() => undefined)
  const why = owner === undefined ? undefined : foreignness(owner, settings, directory)
  return why === undefined ? [] : [fileProblem(config, 'MSH0602', why)]
}

interface Counts {
  readonly files: number
  readonly services: number
  readonly routes: number
}

async function judge({ documents, services, host, settings, given }: Plan) {
  const [{ readConfig }, { checkReferences }, { readServices }] = await Promise.all([
    import('../../controlplane/config/watch.js'),
    import('../../controlplane/config/references.js'),
    import('../../agent/services.js'),
  ])
  const read = await readConfig(documents)
  const onHost = await readServices(services, host === undefined ? {} : await asAgent(host))
  const counts: Counts = {
    files: read.files + onHost.files,
    services: new Set([...read.config.services.keys(), ...onHost.services.map(({ service }) => service)]).size,
    routes: read.config.routes.size,
  }
  const found = [...settings, ...read.problems, ...checkReferences(read.config), ...onHost.problems]
  const failed = found.some(({ severity }) => severity === 'error')
  const nothing = !failed && read.documents + onHost.services.length === 0
  return { counts, problems: [...(await withoutAnything(given, nothing)), ...found] }
}

/** How the agent of this machine reads: it runs as the user to whom its state belongs, else as this one. */
async function asAgent({ servicesDirectory, stateDirectory }: AgentSettings) {
  const [{ refuseOwner }, { USUAL_SERVICES }] = await Promise.all([
    import('../../agent/services.js'),
    import('../../agent/settings-schema.js'),
  ])
  const state = await stat(stateDirectory).catch(() => undefined)
  const user = state?.uid ?? process.getuid?.() ?? 0
  return {
    refuse: (owner: FileOwner) => refuseOwner(owner, user),
    needed: servicesDirectory === USUAL_SERVICES ? [] : [servicesDirectory],
  }
}

/**
 * A check of nothing must not look like success: in a pipeline it is a path that was misspelt or has moved.
 *
 * @param nothing whether no document was found in any of the directories
 */
async function withoutAnything(given: readonly string[], nothing: boolean): Promise<readonly Problem[]> {
  const { listDirectories, fileProblem } = await import('../../common/config/directory.js')
  const listed = await Promise.all(
    given.map(async (directory) => {
      const { files, hidden } = await listDirectories([directory])
      return { directory, empty: files.length === 0 && hidden.length === 0 }
    }),
  )
  const severity = nothing ? 'error' : 'notice'
  return listed
    .filter(({ empty }) => empty || nothing)
    .map(({ directory, empty }) => {
      const message = empty ? 'holds no YAML file to check' : 'holds no document to check: its files are empty'
      return fileProblem(basename(resolve(directory)), 'MSH0122', message, severity)
    })
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

async function needDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === true) return
  if (found === undefined) throw new CommandFailure(EXIT.noSuchFile, `no such directory: ${path}`)
  // Documents refer to each other, so a file alone could be found faulty although it is not.
  throw new CommandFailure(EXIT.usage, `${path} is no directory`, `mesh validate ${dirname(path)}`)
}

function formatCounts({ files, services, routes }: Counts): string {
  return `${count(files, 'file')}, ${count(services, 'service')}, ${count(routes, 'route')}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
