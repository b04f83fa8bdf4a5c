import { type Defence, defencesOf } from './defence.js'

const RANDOM = 'whatever changes, what is built step by step is byte for byte what is built from nothing'

const builds = (file: string) => {
  const row = defencesOf(file, 'build/incremental.test.js')
  return (defence: string, find: string) => row(defence, find, '', RANDOM)
}

/** What a part of the mesh is made from: what is not in its list would leave it as it was. */
export const BUILDS: readonly Defence[] = [
  builds('controlplane/mesh/built-services.js')(
    'a service is made anew when a service changes to which its routes lead',
    '...callees.flatMap((callee) => [lookup.ports.get(callee), lookup.services.get(callee)]),',
  ),
  builds('controlplane/mesh/built-services.js')(
    'a list of everybody but some is made anew when there are other services',
    '...known,',
  ),
  builds('controlplane/mesh/hosts.js')(
    'a host is made anew when a service changes that it runs or calls',
    '...servicesNamedBy(host).flatMap((service) => [lookup.ports.get(service), lookup.services.get(service)]),',
  ),
  builds('controlplane/catalog/merge.js')(
    'the instances of a lost host are judged anew when others can take over',
    ', ...instances.map(({ service }) => presenceOf(host.name, service))',
  ),
  builds('controlplane/envoy/build.js')(
    'the resources of a host are made anew when a port changes that it serves or calls',
    ', ...portsOf(host).map((port) => insides.get(port))',
  ),
]
