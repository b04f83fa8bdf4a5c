import { Option } from 'commander'
import { DEFAULT_SOCKET } from '../admin-client.js'

/** The value of the option. */
export interface SocketOption {
  readonly socket: string
}

/** The option that says where the control plane's admin socket is. */
export function socketOption(): Option {
  return new Option('--socket <path>', "the control plane's admin socket")
    .env('MESH_ADMIN_SOCKET')
    .default(DEFAULT_SOCKET)
}
