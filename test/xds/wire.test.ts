import { deepEqual, equal, notEqual, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StreamRefusal } from '../../common/xds/refusal.js'
import { CLUSTER } from '../../common/xds/types.js'
import { decodeDeltaRequest, decodeNode, decodeResponse, encodePush, encodeRequest } from '../../common/xds/wire.js'
import { seededRandom, testResource } from './mesh-model.js'

describe('the wire format', () => {
  it('carries resources, removals and nonce as protobuf has it', () => {
    const resources = [testResource(CLUSTER, 'a', '1'), testResource(CLUSTER, 'ü'.repeat(300), '2')]
    const response = decodeResponse(encodePush({ type: CLUSTER, nonce: '7', resources, removed: ['x', 'y'] }))
    equal(response.typeUrl, CLUSTER)
    equal(response.nonce, '7')
    deepEqual(response.removedResources, ['x', 'y'])
    for (const [index, { name, version, resource }] of response.resources.entries()) {
      deepEqual(
        { name, version, type: resource?.typeUrl },
        { name: resources[index]?.name, version: resources[index]?.version, type: CLUSTER },
      )
      deepEqual(Buffer.from(resource?.value ?? []), resources[index]?.bytes)
    }
    equal(response.resources.length, 2)
  })

  it('takes the node off a request without decoding it, wherever it stands', () => {
    const bytes = encodeRequest({ node: { id: 'n', cluster: 'c' }, typeUrl: CLUSTER, responseNonce: '3' })
    const nodeLength = 2 + (bytes[1] ?? 0)
    const last = Buffer.concat([bytes.subarray(nodeLength), bytes.subarray(0, nodeLength)])
    for (const form of [bytes, last]) {
      const { request, node } = decodeDeltaRequest(form)
      deepEqual([request.typeUrl, request.responseNonce], [CLUSTER, '3'])
      notEqual(node, undefined)
      equal(decodeNode(node ?? new Uint8Array())?.cluster, 'c')
    }
    equal(decodeDeltaRequest(encodeRequest({ typeUrl: CLUSTER })).node, undefined)
  })

  it('refuses what is no request, whatever its bytes', () => {
    const random = seededRandom(1)
    let refused = 0
    for (let round = 0; round < 10_000; round++) {
      const bytes = Uint8Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 256))
      try {
        const { node } = decodeDeltaRequest(bytes)
        if (node !== undefined) decodeNode(node)
      } catch (error) {
        if (!(error instanceof StreamRefusal)) throw error
        refused++
      }
    }
    equal(refused > 9_000, true)
    throws(() => decodeDeltaRequest(Uint8Array.of(0xff)), StreamRefusal)
  })
})
