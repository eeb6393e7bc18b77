// squeaky, a small client of NSQ for Node, unchanged: publishes singly, as a batch and deferred; finishes, requeues,
// and keeps a slow message alive. For tests/e2e/test_nsqjs.py.
//
//     node squeaky_client.js HOST:PORT TOPIC
//
// What it saw is printed as one JSON document.
'use strict'
const Squeaky = require('squeaky')

const [address, topic] = process.argv.slice(2)
const [host, port] = address.split(':')
const at = { host, port: Number(port) }
const seen = { got: [], errors: [] }
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

async function until(condition) {
  for (let i = 0; i < 5000 && !condition(); i++) await pause(10)
}

async function main() {
  const out = new Squeaky.Publisher(at)
  const inn = new Squeaky.Subscriber({ ...at, topic, channel: 'a', concurrency: 5, timeout: 1500 })
  for (const one of [out, inn]) {
    one.on('error', e => seen.errors.push(e.message))
    one.on('disconnect', () => seen.errors.push('disconnected'))
  }
  inn.on('message', async m => {
    if (m.body.n === 1 && m.attempts === 1) return m.requeue(50)
    if (m.body.n === 2) {
      m.keepalive()
      await pause(2500)
    }
    seen.got.push([m.body.n, m.attempts])
    m.finish()
  })
  await out.publish(topic, { n: 0 })
  await out.publish(topic, [{ n: 1 }, { n: 2 }, { n: 3 }])
  await out.publish(topic, { n: 4 }, 300)
  await until(() => seen.got.length >= 5)
  await pause(200)
  inn.removeAllListeners('disconnect')
  out.removeAllListeners('disconnect')
  await inn.close()
  await out.close()
  console.log(JSON.stringify(seen))
}

main().then(() => process.exit(0), e => {
  console.error(e)
  process.exit(1)
})
