/** Offsets of services are 1 to this number, so that every range of /16 or larger has room for all. */
export const LARGEST_OFFSET = 65_534

/**
 * The address of a service in a host's range.
 *
 * @param range CIDR of a /16 or larger: `127.80.0.0/12`
 */
export function addressIn(range: string, offset: number): string {
  const [base = '', bits = '16'] = range.split('/')
  const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(bits))
  const address = number - (number % size) + offset
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}
