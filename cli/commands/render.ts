import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import { findResource, viewOf, visibleNames } from '../../common/xds/view.js'
import type { KnownHosts, OfflineState } from '../../controlplane/offline/build.js'
import type { ControlPlaneSettings } from '../../controlplane/settings-schema.js'
import { CommandFailure, EXIT } from '../exit.js'
import { formatYaml, type Write } from '../output.js'
import { formatProblems, readSettings } from '../settings.js'
import { harmless } from '../terminal.js'
import { configOption } from './config-option.js'

interface RenderOptions {
  readonly host: string
  readonly type?: keyof typeof TYPES
  readonly hosts?: string
  readonly config: string
  readonly output: string
}

/** The discovery services by the words of the option, with the key under which their resources are printed. */
const TYPES = {
  lds: { type: LISTENER, key: 'listeners' },
  rds: { type: ROUTE, key: 'routes' },
  cds: { type: CLUSTER, key: 'clusters' },
  eds: { type: ENDPOINT, key: 'endpoints' },
  sds: { type: SECRET, key: 'secrets' },
} as const

/** `mesh render`: the Envoy resources that documents would give to a host, without asking anybody. */
export function renderCommand(program: Command, write: Write): void {
  program
    .command('render')
    .description('print the Envoy resources that the documents would give to a host, offline')
    .argument('[directory...]', 'directories of documents; those of the settings unless given')
    .requiredOption('--host <name>', 'the host')
    .addOption(new Option('--type <service>', 'only these resources').choices(Object.keys(TYPES)))
    .option('--hosts <file>', 'what runs, as YAML; what hosts last reported to this control plane unless given')
    .addOption(configOption('/etc/mesh/controlplane.yaml', 'MESH_CONTROLPLANE_CONFIG'))
    .addOption(new Option('-o, --output <form>', 'form of the output').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', HELP)
    .action(async (directories: string[], options: RenderOptions) => {
      if (options.hosts !== undefined) await tellAssumed(options)
      const offline = await build(directories, options)
      const { state, loaded } = offline
      if (!state.publication.clients.has(options.host)) throw unknownHost(options.host, state)
      const problems = [...loaded.problems, ...state.problems]
      if (problems.length > 0) process.stderr.write(harmless(`${formatProblems(problems)}\n`))
      const resources = await rendered(options, state)
      write(options.output === 'json' ? `${JSON.stringify(resources, null, 2)}\n` : toYaml(resources))
      if (problems.some(({ severity }) => severity === 'error')) process.exitCode = EXIT.invalidInput
    })
}

const HELP = `
On the control plane's machine it knows the hosts from the state directory; elsewhere describe them:
  # hosts.yaml
  web-1: { address: 10.0.0.11, caller: web, services: { web: { port: 8080 } } }
  pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, version: v1 } } }

Ends with 65 when documents have errors, which are told on standard error; the others are rendered.

Examples:
  mesh render --host web-1
  mesh render --host web-1 --type rds ./mesh.d ./routes.d
  mesh render --host web-1 --hosts hosts.yaml ./mesh.d -o json`

async function build(given: readonly string[], options: RenderOptions): Promise<OfflineState> {
  const [{ buildOffline }, { configDirectories }] = await Promise.all([
    import('../../controlplane/offline/build.js'),
    import('../../controlplane/directories.js'),
  ])
  const settings = await settingsOf(options)
  const directories = given.length > 0 ? given : configDirectories(settings)
  return buildOffline(settings, directories, await knownHosts(options, settings))
}

/** Where hosts are described no control plane has to be set up; its name in certificates is then an example. */
async function settingsOf({ config, hosts }: RenderOptions): Promise<ControlPlaneSettings> {
  const { controlPlaneSettings } = await import('../../controlplane/settings-schema.js')
  const flags = hosts !== undefined && (await isMissing(config)) ? [`trustDomain=${EXAMPLE_DOMAIN}`] : []
  return readSettings(controlPlaneSettings, config, EXIT.invalidInput, flags)
}

/** What is rendered looks like what a host has, so what was not known of it is told. */
async function tellAssumed({ config }: RenderOptions): Promise<void> {
  const { AGENT_DEFAULTS } = await import('../../controlplane/offline/hosts-file.js')
  const { range, dns, application } = AGENT_DEFAULTS
  const lines = [
    ...((await isMissing(config)) ? [`trust domain ${EXAMPLE_DOMAIN}, as there is no ${config}`] : []),
    `names in ${range}, DNS at ${dns('')} and applications at ${application('')}, where the hosts do not say`,
  ]
  for (const line of lines) process.stderr.write(harmless(`assumed: ${line}\n`))
}

const EXAMPLE_DOMAIN = 'mesh.example'

function isMissing(file: string): Promise<boolean> {
  return readFile(file).then(
    () => false,
    () => true,
  )
}

async function knownHosts({ hosts }: RenderOptions, settings: ControlPlaneSettings): Promise<KnownHosts> {
  const { describedHosts, NoState, readKnownHosts } = await import('../../controlplane/offline/build.js')
  if (hosts === undefined) {
    try {
      return await readKnownHosts(settings)
    } catch (error) {
      if (!(error instanceof NoState)) throw error
      throw new CommandFailure(EXIT.noSuchFile, error.message, 'describe the hosts with --hosts FILE')
    }
  }
  const { parseHosts } = await import('../../controlplane/offline/hosts-file.js')
  const text = await readFile(hosts, 'utf8').catch((cause) => {
    throw new CommandFailure(EXIT.noSuchFile, `${hosts} cannot be read`, undefined, cause)
  })
  const { agents, problems } = parseHosts(hosts, text)
  if (problems.length === 0) return describedHosts(agents)
  throw new CommandFailure(EXIT.invalidInput, `the description of the hosts is not valid\n${formatProblems(problems)}`)
}

function unknownHost(host: string, { publication }: OfflineState['state']): CommandFailure {
  const known = [...publication.clients.keys()]
  const hint = known.length === 0 ? 'no host has reported yet' : `hosts are ${known.slice(0, 20).join(', ')}`
  return new CommandFailure(EXIT.noSuchFile, `nothing is known of host ${host}`, hint)
}

/** A resource with its version as xDS serves it, and the documents that it was made from. */
interface Rendered {
  readonly name: string
  readonly version: string
  readonly sources: readonly string[]
  readonly resource: unknown
}

type AllRendered = Readonly<Record<string, readonly Rendered[]>>

async function rendered(
  { host, type }: RenderOptions,
  { publication, sourcesOf }: OfflineState['state'],
): Promise<AllRendered> {
  const { printResource } = await import('../../controlplane/envoy/print.js')
  const view = viewOf(publication, publication.clients.get(host) ?? [])
  const wanted = type === undefined ? Object.values(TYPES) : [TYPES[type]]
  return Object.fromEntries(
    wanted.map(({ type: url, key }) => {
      const found = [...visibleNames(view, url)].sort().flatMap((name) => findResource(view, url, name) ?? [])
      const resources = found.map((resource): Rendered => {
        const sources = sourcesOf(resource.type, resource.name).map(({ file, line }) => `${file}:${line}`)
        return { name: resource.name, version: resource.version, sources, resource: printResource(resource) }
      })
      return [key, resources]
    }),
  )
}

/** Only the resources, as Envoy would take them; names of documents are comments. */
function toYaml(all: AllRendered): string {
  return Object.entries(all)
    .map(([key, resources]) => {
      if (resources.length === 0) return `${key}: []\n`
      const entries = resources.map(({ sources, resource }) => {
        const comment = sources.length === 0 ? '' : `  # from ${sources.join(', ')}\n`
        return comment + formatYaml([resource]).replaceAll(/^(?=.)/gm, '  ')
      })
      return `${key}:\n${entries.join('')}`
    })
    .join('')
}
