import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'

const bytes = {
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
}

/** A service of the tests with a method of each kind; messages are plain bytes. */
export const CALLS = {
  Echo: { path: '/lab.Calls/Echo', requestStream: false, responseStream: false, ...bytes },
  Fail: { path: '/lab.Calls/Fail', requestStream: false, responseStream: false, ...bytes },
  Hang: { path: '/lab.Calls/Hang', requestStream: false, responseStream: false, ...bytes },
  Collect: { path: '/lab.Calls/Collect', requestStream: true, responseStream: false, ...bytes },
  Count: { path: '/lab.Calls/Count', requestStream: false, responseStream: true, ...bytes },
  Chat: { path: '/lab.Calls/Chat', requestStream: true, responseStream: true, ...bytes },
} as const satisfies ServiceDefinition

/** Binary details of an error, as `google.rpc.Status` travels. */
export const DETAILS_KEY = 'grpc-status-details-bin'

/** Every size of messages is taken. */
export const UNLIMITED = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 }

/** An application of gRPC in the process of the test. */
export interface GrpcApplication {
  /** How often each method was called, by its name. */
  readonly called: Map<string, number>
  /** How many calls of Hang were cancelled. */
  readonly cancelled: { count: number }
  readonly end: () => void
}

/** Starts an application that serves {@link CALLS}. */
export async function startGrpc(address: string, port: number): Promise<GrpcApplication> {
  const called = new Map<string, number>()
  const cancelled = { count: 0 }
  const note = (method: string) => {
    const times = (called.get(method) ?? 0) + 1
    called.set(method, times)
    return times
  }
  const server = new Server(UNLIMITED)
  server.addService(CALLS, {
    Echo: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      note('Echo')
      const trailer = new Metadata()
      trailer.set('x-trailer', String(call.metadata.get('x-request')[0] ?? ''))
      const client = new Metadata()
      client.set('x-client', String(call.metadata.get('x-mesh-client')[0] ?? ''))
      call.sendMetadata(client)
      answer(null, call.request, trailer)
    },
    Fail: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      const times = note('Fail')
      if (call.request.toString() === 'once unavailable') {
        if (times > 1) answer(null, Buffer.from(String(times)))
        else answer({ code: status.UNAVAILABLE, details: 'not yet' })
        return
      }
      const metadata = new Metadata()
      metadata.set(DETAILS_KEY, call.request)
      answer({ code: status.FAILED_PRECONDITION, details: 'no money: 100 %', metadata })
    },
    Hang: (call: ServerUnaryCall<Buffer, Buffer>) => {
      note('Hang')
      call.on('cancelled', () => {
        cancelled.count++
      })
    },
    Collect: (call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      const parts: Buffer[] = []
      call.on('data', (part: Buffer) => parts.push(part))
      call.on('end', () => answer(null, Buffer.concat(parts)))
    },
    Count: (call: ServerWritableStream<Buffer, Buffer>) => {
      const to = Number(call.request.toString())
      for (let number = 1; number <= to; number++) call.write(Buffer.from(String(number)))
      call.end()
    },
    Chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), part])))
      call.on('error', () => undefined) // the end of a test cuts streams
      call.on('end', () => call.end())
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    )
  })
  return { called, cancelled, end: () => server.forceShutdown() }
}
