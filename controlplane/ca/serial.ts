import { randomBytes } from 'node:crypto'

/** A certificate's serial number: 16 random bytes with the top bit 0, never zero. */
export function newSerial(random: (size: number) => Buffer = randomBytes): Buffer {
  const serial = random(16)
  serial[0] = (serial[0] ?? 0) & 0x7f
  return serial.every((byte) => byte === 0) ? newSerial(random) : serial
}
