import type { BuildInput } from '../../controlplane/build.js'
import { AgentDirectory, type SessionReports } from '../../controlplane/catalog/agents.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { NO_OFFSETS, type Offsets } from '../../controlplane/mesh/virtual-address.js'
import { Dice } from './dice.js'
import { randomDocument } from './random-documents.js'
import { otherService, randomFacts, randomServices, SERVICES } from './random-reports.js'

const HOSTS = ['h-1', 'h-10', 'h-2', 'pay-1', 'web-1']
const FILES = ['mesh.d/a.yaml', 'mesh.d/b.yaml', 'routes.d/c.yaml']

/** A small mesh that changes at random. Its parts reach a build as in a control plane. */
export class RandomWorld {
  readonly #dice: Dice
  readonly #loader = new ConfigLoader()
  readonly #directory = new AgentDirectory(new Map(), () => this.#now)
  readonly #sessions = new Map<string, SessionReports>()
  /** By file: its documents. */
  readonly #files = new Map<string, readonly string[]>()
  #now = 1_000_000
  #rights: BuildInput['mayRun'] = () => true
  #roots = 'roots 1'
  #offsets: Offsets = NO_OFFSETS

  constructor(seed: number) {
    this.#dice = new Dice(seed)
    for (const host of HOSTS) this.#begin(host)
    for (const file of FILES) this.#write(file, () => [randomDocument(this.#dice), randomDocument(this.#dice)])
  }

  /** Changes something, sometimes several things. @returns what, for the message of a failure */
  change(): readonly string[] {
    const changes = Object.entries(this.#changes)
    return Array.from({ length: this.#dice.one([1, 1, 1, 3]) }, () => {
      const [what, change] = this.#dice.one(changes)
      change()
      return what
    })
  }

  /** What a build is given now. */
  input(): BuildInput {
    const files = [...this.#files].map(([shown, documents]) => ({ shown, text: `${documents.join('\n---\n')}\n` }))
    const { config } = this.#loader.load({ files, hidden: [], problems: [] }, this.#now).loaded
    return {
      agents: this.#directory.members.value,
      config,
      mayRun: this.#rights,
      graces: { lost: 60_000, returning: 20_000 },
      now: this.#now,
      offsets: this.#offsets,
      mesh: { trustDomain: 'random.example', domain: 'mesh' },
      resources: { trustBundlePem: this.#roots },
    }
  }

  /** Takes over the virtual addresses that a build gave. */
  keep(offsets: Offsets): void {
    this.#offsets = offsets
  }

  readonly #changes: Readonly<Record<string, () => void>> = {
    'a host tells other facts': () => this.#session().host(randomFacts(this.#dice.one(HOSTS), this.#dice)),
    'a host runs other services': () => this.#session().services(randomServices(this.#dice)),
    'an instance changes': () => this.#changeInstance(),
    'an instance changes again': () => this.#changeInstance(),
    'a host is lost': () => this.#session().end(),
    'a host leaves': () => this.#session().leave(),
    'a host begins anew': () => this.#begin(this.#dice.one(HOSTS)),
    'time goes by': () => {
      this.#now += this.#dice.one([1, 15_000, 70_000])
    },
    'rights change': () => {
      const [host, service] = [this.#dice.one(HOSTS), this.#dice.one(SERVICES)]
      const nobody = this.#dice.chance(0.5)
      this.#rights = (a, b) => nobody || a !== host || b !== service
    },
    'the roots change': () => {
      this.#roots = `roots ${this.#dice.below(3)}`
    },
    'a document is added': () => this.#write(this.#file(), (all) => [...all, randomDocument(this.#dice)].slice(-4)),
    'a document is edited': () => this.#write(this.#file(), ([_, ...rest]) => [randomDocument(this.#dice), ...rest]),
    'a document is removed': () => this.#write(this.#file(), (all) => all.slice(1)),
    'documents move down': () => this.#write(this.#file(), ([first = '', ...rest]) => [`# moved\n${first}`, ...rest]),
    'a file is broken': () => this.#write(this.#file(), (all) => [...all.slice(0, 2), '{ kind: [']),
    'a file is removed': () => this.#files.delete(this.#file()),
  }

  /** A session begins, of a host that was or was not there. */
  #begin(host: string): void {
    const session = this.#directory.begin(host)
    session.claim({ id: '', peer: '', supersede() {} })
    session.host(randomFacts(host, this.#dice))
    session.services(randomServices(this.#dice))
    this.#sessions.set(host, session)
  }

  #session(): SessionReports {
    return this.#sessions.get(this.#dice.one(HOSTS)) as SessionReports
  }

  #changeInstance(): void {
    const host = this.#dice.one(HOSTS)
    const services = this.#directory.members.value.get(host)?.services ?? []
    if (services.length > 0) this.#sessions.get(host)?.services(otherService(services, this.#dice))
  }

  #file(): string {
    return this.#dice.one(FILES)
  }

  #write(file: string, edit: (documents: readonly string[]) => readonly string[]): void {
    this.#files.set(file, edit(this.#files.get(file) ?? []))
  }
}
