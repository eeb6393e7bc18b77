// nsqjs, the official client of NSQ for Node, unchanged: scenarios for tests/e2e/test_nsqjs.py.
//
//     node nsqjs_client.js SCENARIO HOST:PORT TOPIC [OPTIONS]
//
// OPTIONS is a JSON object for Reader and Writer. What the scenario saw is printed as one JSON document.
'use strict'
const fs = require('fs')
const nsq = require('nsqjs')

const [scenario, address, topic, text] = process.argv.slice(2)
const options = JSON.parse(text || '{}')
const [host, port] = address.split(':')
if (options.ca) options.ca = fs.readFileSync(options.ca)

const seen = { errors: [] }

function writer() {
  const w = new nsq.Writer(host, Number(port), options)
  w.on('error', e => seen.errors.push('writer: ' + e.message))
  return new Promise(resolve => {
    w.on('ready', () => resolve(w))
    w.connect()
  })
}

function publish(w, messages) {
  return new Promise((resolve, reject) => w.publish(topic, messages, e => (e ? reject(e) : resolve())))
}

function defer(w, message, ms) {
  return new Promise((resolve, reject) => w.deferPublish(topic, [message], ms, e => (e ? reject(e) : resolve())))
}

// A reader; `each` gets every message, and `discard` those that had too many attempts.
function reader(channel, more, each, discard) {
  const r = new nsq.Reader(topic, channel, { nsqdTCPAddresses: [address], ...options, ...more })
  r.on('error', e => seen.errors.push('reader: ' + e.message))
  r.on('message', each)
  if (discard) r.on('discard', discard)
  return new Promise(resolve => {
    r.on('nsqd_connected', () => resolve(r))
    r.connect()
  })
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

async function until(condition) {
  for (let i = 0; i < 5000 && !condition(); i++) await pause(10)
}

const bodies = n => Array.from({ length: n }, (_, i) => `${i}:` + 'x'.repeat((i * 37) % 5000))

const scenarios = {
  // singles and batches; two channels, each gets all
  async all() {
    const want = bodies(300)
    const got = { a: [], b: [] }
    const readers = []
    for (const channel of ['a', 'b']) {
      readers.push(await reader(channel, { maxInFlight: 40 }, m => {
        got[channel].push(m.body.toString())
        m.finish()
      }))
    }
    const w = await writer()
    for (const b of want.slice(0, 50)) await publish(w, b)
    await Promise.all(want.slice(50, 100).map(b => publish(w, Buffer.from(b))))
    await publish(w, want.slice(100))
    await until(() => got.a.length >= want.length && got.b.length >= want.length)
    await pause(200)
    const same = list => JSON.stringify([...list].sort()) === JSON.stringify([...want].sort())
    seen.counts = [got.a.length, got.b.length]
    seen.same = [same(got.a), same(got.b)]
    readers.forEach(r => r.close())
    w.close()
  },

  async requeue() {
    const w = await writer()
    seen.attempts = []
    const began = Date.now()
    const r = await reader('a', {}, m => {
      seen.attempts.push(m.attempts)
      if (m.attempts === 1) return m.requeue(0, false)
      if (m.attempts === 2) return m.requeue(400, false)
      seen.waited = Date.now() - began
      m.finish()
    })
    await publish(w, 'x')
    await until(() => seen.attempts.length >= 3)
    await pause(100)
    r.close()
    w.close()
  },

  // a requeue with backoff: the reader goes to RDY 0, then probes with RDY 1, then is back at full speed
  async backoff() {
    const w = await writer()
    const done = new Set()
    let failed = 0
    const r = await reader('a', { maxInFlight: 10, maxBackoffDuration: 1 }, m => {
      if (m.attempts === 1 && Number(m.body) % 10 === 0) {
        failed++
        return m.requeue(10, true)
      }
      done.add(m.body.toString())
      m.finish()
    })
    await publish(w, Array.from({ length: 50 }, (_, i) => String(i)))
    await until(() => done.size >= 50)
    seen.done = done.size
    seen.failed = failed
    r.close()
    w.close()
  },

  async touch() {
    const w = await writer()
    seen.attempts = []
    const r = await reader('a', { messageTimeout: 1000 }, async m => {
      seen.attempts.push(m.attempts)
      for (let i = 0; i < 6; i++) {
        await pause(400)
        m.touch()
      }
      seen.touched = m.touchCount
      m.finish()
    })
    await publish(w, 'x')
    await until(() => seen.touched)
    await pause(1200)
    r.close()
    w.close()
  },

  async timeout() {
    const w = await writer()
    seen.attempts = []
    const r = await reader('a', { messageTimeout: 1000 }, m => {
      seen.attempts.push(m.attempts)
      if (m.attempts > 1) m.finish()
    })
    await publish(w, 'x')
    await until(() => seen.attempts.length >= 2)
    await pause(100)
    r.close()
    w.close()
  },

  async discard() {
    const w = await writer()
    seen.attempts = []
    const r = await reader('a', { maxAttempts: 2 }, m => {
      seen.attempts.push(m.attempts)
      m.requeue(0, false)
    }, m => {
      seen.discarded = m.body.toString() // and nsqjs finishes it
    })
    await publish(w, 'x')
    await until(() => seen.discarded)
    await pause(100)
    r.close()
    w.close()
  },

  async defer() {
    const w = await writer()
    const began = Date.now()
    const r = await reader('a', {}, m => {
      seen.body = m.body.toString()
      seen.waited = Date.now() - began
      m.finish()
    })
    await defer(w, 'later', 700)
    await until(() => seen.body)
    await pause(100)
    r.close()
    w.close()
  },

  async pause() {
    const w = await writer()
    seen.got = 0
    const r = await reader('a', { maxInFlight: 5 }, m => {
      seen.got++
      m.finish()
    })
    await publish(w, '1')
    await until(() => seen.got === 1)
    r.pause()
    await pause(200)
    await publish(w, '2')
    await pause(400)
    seen.whilePaused = seen.got
    r.unpause()
    await until(() => seen.got === 2)
    r.close()
    w.close()
  },

  // heartbeats go to and fro for a while; a bad topic is an error for the one who asks
  async heartbeats() {
    let got = 0
    const r = await reader('a', { heartbeatInterval: 1 }, m => {
      got++
      m.finish()
    })
    const w = await writer()
    await pause(3500)
    await publish(w, 'x')
    await until(() => got === 1)
    seen.got = got
    r.close()
    w.close()
  },

  async bad() {
    const w = await writer()
    await new Promise(resolve => {
      w.on('error', resolve)
      w.publish('bad$topic', 'x', e => {
        seen.refused = e && e.message
        resolve()
      })
    })
    await until(() => seen.refused || seen.errors.length)
  }
}

const limit = setTimeout(() => {
  console.error('the scenario does not end; so far: ' + JSON.stringify(seen))
  process.exit(1)
}, 60000)

scenarios[scenario]().then(() => {
  clearTimeout(limit)
  console.log(JSON.stringify(seen))
  process.exit(0)
}, e => {
  console.error(e)
  process.exit(1)
})
