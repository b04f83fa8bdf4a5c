/** When a certificate of the mesh begins and ends to be valid, wall-clock milliseconds. */
export interface Validity {
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * When a certificate is to be renewed: between 45 and 55 % of its life, so that hosts that joined together do not renew
 * together, and an outage of the control plane for almost half a life expires nothing.
 *
 * @param spread where in that window, 0 to 1; the same each time for one certificate
 */
export function renewalTime({ notBefore, notAfter }: Validity, spread: number): number {
  return notBefore + (notAfter - notBefore) * (0.45 + 0.1 * spread)
}
