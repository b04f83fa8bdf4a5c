import { startAnswering } from '../../e2e/answering.js'
import type { Application } from '../../e2e/application.js'
import { closeConnections, getOk, type Target, targetOn } from '../../e2e/client.js'
import { HTTP_PORT, PAY_1, PAY_2, WEB } from '../../e2e/hosts.js'
import { type LabPlan, MeshLab } from '../../e2e/lab.js'

/** Checks are those that a service file has which says nothing more of them. */
const HOSTS = [WEB, PAY_1, PAY_2].map((host) => ({
  ...host,
  services: host.services.map((service) => ({ ...service, check: '{ tcp: true }' })),
}))

/** Three hosts with real Envoys and a control plane; the first calls the service of the other two. */
export class SmallMesh implements AsyncDisposable {
  readonly lab: MeshLab
  /** Where applications of the first host find the service of the others. */
  readonly target: Target
  readonly #applications: readonly Application[]

  static async start(plan: Partial<LabPlan> = {}): Promise<SmallMesh> {
    const applications = await startAnswering(HOSTS)
    try {
      const lab = await MeshLab.start({ hosts: HOSTS, ...plan })
      const target = await targetOn(WEB, 'payments', HTTP_PORT)
      await getOk(target)
      return new SmallMesh(lab, target, applications)
    } catch (error) {
      for (const application of applications) await application.end()
      throw error
    }
  }

  private constructor(lab: MeshLab, target: Target, applications: readonly Application[]) {
    this.lab = lab
    this.target = target
    this.#applications = applications
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeConnections()
    await this.lab.end()
    for (const application of this.#applications) await application.end()
  }
}
