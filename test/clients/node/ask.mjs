/**
 * ask.mjs SERVER PORT NAME TYPE COUNT: asks a DNS server COUNT times at once, with EDNS, and prints by response
 * code how many answers came and what was in them: "0 127.80.0.7 500". TYPE is a number. What is not answered within
 * 3 s counts as "none".
 */
import { createSocket } from 'node:dgram'

const [server, port, name, type, count] = process.argv.slice(2)
const labels = name.split('.').filter((label) => label !== '')
const question = Buffer.concat([
  ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
  Buffer.from([0, 0, Number(type), 0, 1]),
])
/** An OPT record: 1232 bytes may come back. */
const EDNS = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0])

function ask(id) {
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1])
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    const end = (text) => {
      clearTimeout(limit)
      socket.close()
      resolve(text)
    }
    const limit = setTimeout(() => end('none'), 3000)
    socket.on('error', () => end('none'))
    socket.on('message', (answer) => end(`${answer[3] & 15} ${addressOf(answer)}`.trim()))
    socket.send(Buffer.concat([header, question, EDNS]), Number(port), server)
  })
}

function addressOf(answer) {
  return answer.readUInt16BE(6) === 1 && type === '1' ? [...answer.subarray(-4)].join('.') : ''
}

const answers = await Promise.all(Array.from({ length: Number(count) }, (_, index) => ask(index + 1)))
for (const answer of [...new Set(answers)].sort()) {
  console.log(answer, answers.filter((one) => one === answer).length)
}
