import { z } from 'zod'
import { formatSocketAddress } from '../../common/socket-address.js'

/** An address as Envoy's admin interface writes it. */
export const envoyAddress = z.object({
  socket_address: z.object({ address: z.string(), port_value: z.number() }).optional(),
  pipe: z.object({ path: z.string() }).optional(),
})

/** `10.0.0.1:80`, or the path of a Unix socket. */
export function formatEnvoyAddress({ socket_address: socket, pipe }: z.infer<typeof envoyAddress>): string {
  if (socket === undefined) return pipe?.path ?? ''
  return formatSocketAddress({ address: socket.address, port: socket.port_value })
}
