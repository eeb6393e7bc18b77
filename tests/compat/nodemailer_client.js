// nodemailer, unchanged, with a pool: mails for tests/e2e/test_nodemailer.py.
//
//     node nodemailer_client.js OPTIONS MAILS
//
// OPTIONS is a JSON object for createTransport, MAILS a JSON list of mails. What became of each is printed as JSON.
'use strict'
const nodemailer = require('nodemailer')

const [options, mails] = process.argv.slice(2).map(text => JSON.parse(text))
const transport = nodemailer.createTransport(options)

function sent(mail) {
  if (mail.raw) mail.raw = Buffer.from(mail.raw, 'base64')
  return transport.sendMail(mail).then(
    info => ({ id: info.messageId, response: info.response, accepted: info.accepted, rejected: info.rejected }),
    e => ({ error: e.message, code: e.responseCode }))
}

Promise.all(mails.map(sent)).then(all => {
  transport.close()
  console.log(JSON.stringify(all))
})
