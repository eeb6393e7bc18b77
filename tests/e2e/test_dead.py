"""Dead letters: kept over a crash, listed and filtered, redriven to a handler that works now, purged."""
import json
import os
import signal

from harness import queue, wait_until
from test_cli import Cli


class Dead(Cli):
    def die(self, broker, *payloads, name="q"):
        """Jobs that end as dead letters, at a worker that says their payload as the error."""
        worker = self.worker(broker, name, "--name", "bad", *self.script("cat >&2; exit 3"))
        ids = [self.expect(0, broker, "submit", name, p).stdout.strip() for p in payloads]
        self.expect(1, broker, "wait", *ids)
        worker.stop()
        return ids

    def letters(self, broker, *words, name="q"):
        return [json.loads(line) for line in self.expect(0, broker, "dead", name, *words, "--json").stdout.splitlines()]

    def test_redriven_after_a_crash(self):
        broker = self.broker()
        ids = self.die(broker, "disk full", "no route to host", "disk full again")
        broker.kill()
        broker.start()
        self.assertEqual([(d["id"], d["error"], d["worker"], d["exit"]) for d in self.letters(broker)],
                         [(ids[0], "disk full", "bad", 3), (ids[1], "no route to host", "bad", 3),
                          (ids[2], "disk full again", "bad", 3)])
        table = self.expect(0, broker, "dead", "q", "--error", "route").stdout
        self.assertRegex(table, rf"^ID +DEAD FOR .*ERROR\n{ids[1]} .* bad +no route to host\n$")
        self.assertEqual(self.expect(0, broker, "dead", "q", "redrive", "--error", "disk").stdout,
                         "q redriven: 2 dead letters\n")
        self.worker(broker, "q", "--name", "good", "--builtin", "echo")
        self.expect(0, broker, "wait", ids[0], ids[2])
        self.assertEqual(self.expect(0, broker, "result", ids[0]).stdout, "disk full")
        history = json.loads(self.expect(0, broker, "job", ids[0], "--json").stdout)["history"]
        self.assertEqual([(h["worker"], h["verdict"], h.get("attempt")) for h in history],
                         [("bad", "failed", None), ("good", "done", 1)])
        q = queue(broker, "q")
        self.assertEqual((q["submitted"], q["redriven"], q["dead"], q["dead_letters"], q["done"]), (3, 2, 3, 1, 2))

    def test_retry_of_some(self):
        broker = self.broker()
        first, second = self.die(broker, "a", "b")
        self.assertEqual(self.expect(0, broker, "retry", first).stdout, "")
        self.assertIn(f"job {first} is not dead: it is ready", self.expect(4, broker, "retry", first, second).stderr)
        self.assertIn("no job has the id 9999", self.expect(4, broker, "retry", "9999").stderr)
        self.assertEqual(queue(broker, "q")["ready"], 2)
        self.assertEqual(self.letters(broker), [])
        self.assertIn("no dead letters", self.expect(0, broker, "dead", "q").stderr)

    def test_purged_for_good(self):
        broker = self.broker()
        self.die(broker, "a", "b", "c")
        self.assertEqual(self.expect(0, broker, "dead", "q", "purge", "--older", "1h").stdout,
                         "q purged: 0 dead letters\n")
        self.assertEqual(self.expect(0, broker, "dead", "q", "purge", "-n", "1").stdout, "q purged: 1 dead letter\n")
        self.assertEqual(self.expect(0, broker, "dead", "q", "purge", "--newer", "1h").stdout,
                         "q purged: 2 dead letters\n")
        broker.kill()
        broker.start()
        self.assertEqual(self.letters(broker), [])
        q = queue(broker, "q")
        self.assertEqual((q["dead"], q["dead_letters"], q["forgotten"]), (3, 0, 3))

    def test_redriven_at_a_rate(self):
        broker = self.broker()
        self.die(broker, *"abcdef")
        slow = self.command(broker, "dead", "q", "redrive", "--rate", "1/h")
        wait_until(lambda: queue(broker, "q")["ready"] == 1, what="the first to be redriven")
        for words in (["dead", "q", "purge"], ["queue", "q", "purge"], ["queue", "q", "delete"]):
            self.assertIn("sheaf dead q stop", self.expect(4, broker, *words).stderr)
        self.assertEqual(self.expect(0, broker, "dead", "q", "stop").stdout, "q stopped: 1 dead letter done\n")
        self.assertEqual((slow.wait(), slow.stdout()), (0, "q redriven: 1 dead letter\n"))
        left = self.command(broker, "dead", "q", "redrive", "--rate", "10/s")
        wait_until(lambda: queue(broker, "q")["redriven"] > 1, what="the redrive to begin")
        os.kill(left.pid, signal.SIGKILL)  # it goes on without its client
        wait_until(lambda: queue(broker, "q")["ready"] == 6, what="the rest to be redriven")

    def test_a_restart_in_the_middle(self):
        broker = self.broker()
        self.die(broker, *"abcdefgh")
        slow = self.command(broker, "dead", "q", "redrive", "--rate", "20/s")
        wait_until(lambda: queue(broker, "q")["redriven"] > 1, what="the redrive to begin")
        broker.kill()
        broker.start()
        self.assertEqual(slow.wait(), 0)  # it asks again, for what is left
        q = queue(broker, "q")
        self.assertEqual((q["ready"], q["redriven"], q["dead_letters"]), (8, 8, 0))

    def test_interrupted(self):
        broker = self.broker()
        self.die(broker, *"ab")
        slow = self.command(broker, "dead", "q", "redrive", "--rate", "1/h")
        wait_until(lambda: queue(broker, "q")["ready"] == 1, what="the first to be redriven")
        slow.signal(signal.SIGINT)
        self.assertEqual(slow.wait(), 130)
        self.assertIn("sheaf dead q stop", slow.stderr())

    def test_kept_for_a_time(self):
        broker = self.broker()
        self.expect(0, broker, "queue", "q", "set", "keep-dead=400ms")
        self.die(broker, "a")
        wait_until(lambda: queue(broker, "q")["dead_letters"] == 0, what="the letter to be too old")
        self.assertEqual(queue(broker, "q")["forgotten"], 1)

    def test_mistakes(self):
        broker = self.broker()
        self.expect(0, broker, "submit", "q", "x")
        for words, says in ((["q", "rdrive"], "did you mean 'redrive'"), (["q", "eat"], "ls, redrive, purge and stop"),
                            (["q", "ls", "--rate", "1/s"], "--rate goes with redrive"),
                            (["q", "redrive", "--rate", "fast"], "no rate"),
                            (["q", "redrive", "--rate", "0/s"], "no rate"),
                            (["q", "stop", "-n", "3"], "stop ends whatever"),
                            (["q", "--older", "2h", "--newer", "1h"], "nothing can be older"),
                            (["q", "--error", "x" * 257], "256 bytes")):
            self.assertIn(says, self.expect(2, broker, "dead", *words).stderr)
        self.assertIn("there is no queue 'none'", self.expect(4, broker, "dead", "none").stderr)
