// A pipe handler: the payload in capitals. It waits for something, as a handler that asks a service would.
//
//     sheaf-worker upper --pipe -- node examples/upper.js &
//     sheaf run upper hello
const lines = require('readline').createInterface({ input: process.stdin });

const answer = (members) => process.stdout.write(JSON.stringify(members) + '\n');
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

lines.on('line', async (line) => {
  const job = JSON.parse(line); // one at a time: the next comes when this one is answered
  if (job.payload === undefined) return answer({ id: job.id, error: 'the payload is no text', exit: 2 });
  answer({ id: job.id, touch: true });
  await pause(10);
  answer({ id: job.id, ok: true, result: job.payload.toUpperCase() });
});
