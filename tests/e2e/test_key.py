"""Idempotency keys: `--key K` on submit and run."""
import os
import subprocess

from harness import environment, program, queue, wait_until
from test_cli import Cli


class Key(Cli):
    def test_a_hundred_at_once(self):
        """A hundred processes submit with one key: one id, one job; it is still so after kill -9."""
        broker = self.broker()
        argv = [program("sheaf"), "submit", "q", "--key", "order-1", "--broker", broker.url]
        crowd = [subprocess.Popen([*argv, f"payload {i}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env=environment()) for i in range(100)]
        said = [p.communicate(timeout=120) for p in crowd]
        self.assertEqual([(p.returncode, err) for p, (_, err) in zip(crowd, said)], [(0, "")] * 100)
        ids = {out for out, _ in said}
        self.assertEqual(len(ids), 1, ids)
        self.assertEqual(queue(broker, "q")["submitted"], 1)
        broker.kill()
        broker.start()
        self.assertEqual({self.expect(0, broker, "submit", "q", "again", "--key", "order-1").stdout}, ids)
        self.assertNotIn(self.expect(0, broker, "submit", "q", "x", "--key", "order-2").stdout, ids)
        self.assertNotIn(self.expect(0, broker, "submit", "r", "x", "--key", "order-1").stdout, ids)
        self.assertEqual(queue(broker, "q")["submitted"], 2)

    def test_run_again(self):
        """A run that gave up leaves its job alone, and the same command again gets the result; the handler runs
        once."""
        broker = self.broker()
        self.worker(broker, "q", *self.script("echo x >>$D/runs; while [ ! -e $D/go ]; do sleep 0.02; done; cat"))
        gave_up = self.expect(124, broker, "run", "q", "hello", "--key", "k", "--timeout", "500ms")
        self.assertRegex(gave_up.stderr, r"sheaf: job \d+ goes on: the same --key finds it again")
        wait_until(lambda: os.path.exists(f"{self.dir}/runs"), what="the handler to begin")
        again = self.command(broker, "run", "q", "other", "--key", "k")
        open(f"{self.dir}/go", "w").close()
        self.assertEqual((again.wait(), again.stdout()), (0, "hello"))
        self.assertEqual(self.expect(0, broker, "run", "q", "third", "--key", "k").stdout, "hello")
        with open(f"{self.dir}/runs") as f:
            self.assertEqual(f.read(), "x\n")

    def test_usage(self):
        self.fails(2, None, "submit", "q", "--lines", "--key", "k", input="a\nb\n", says="for one job")
        self.fails(2, None, "submit", "q", "x", "--key", "", says="1 to 256 bytes")
        self.fails(2, None, "submit", "q", "x", "--key", "k" * 257, says="1 to 256 bytes")
        self.fails(2, None, "map", "q", "--key", "k", input="a\n", says="--key")
