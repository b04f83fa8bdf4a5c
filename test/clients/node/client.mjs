/** client.mjs NAME PORT FAMILY: as ../c/client.c, by Node's dns.lookup and http; FAMILY c-ares: by dns.resolve4 and resolve6. It prints "body TEXT" too. */
import dns from 'node:dns/promises'
import { get } from 'node:http'
import { connect } from 'node:net'

const [name, port, family] = process.argv.slice(2)
const FAMILIES = { any: 0, 4: 4, 6: 6 }

async function resolve() {
  if (family === 'c-ares') return [...(await dns.resolve4(name)), ...(await dns.resolve6(name))]
  const found = await dns.lookup(name, { all: true, family: FAMILIES[family] })
  return found.map(({ address }) => address)
}

function call() {
  return new Promise((resolve, reject) => {
    if (port === '7000') {
      const socket = connect(7000, name)
      socket.on('error', reject).once('data', (data) => resolve(String(data).trim()) ?? socket.destroy())
      socket.on('close', () => reject(new Error('closed')))
      return
    }
    get({ host: name, port, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', (text) => console.log('body', text))
      response.on('end', () => {
        resolve(`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`)
      })
    }).on('error', reject)
  })
}

try {
  for (const address of await resolve()) console.log('address', address)
  if (port !== '0') console.log('answer', await call())
} catch (error) {
  console.log('error', error.message)
}
