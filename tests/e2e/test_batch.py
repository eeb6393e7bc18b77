"""Batches (`sheaf batch`) and jobs that follow others (`--after`)."""
import json
import os

from harness import queue, wait_until
from test_cli import Cli


class Batch(Cli):
    def new(self, broker, *args, **more):
        done = self.expect(0, broker, "batch", "new", *args, **more)
        self.assertRegex(done.stdout, r"^b\d+\n$")
        return done.stdout.strip()

    def shown(self, broker, batch):
        return json.loads(self.expect(0, broker, "batch", "show", batch, "--json").stdout)

    def test_life(self):
        broker = self.broker()
        batch = self.new(broker, "--then", "report", "--then-payload", "-", "--header", "kind=x", input="all of it")
        self.assertEqual(self.shown(broker, batch)["state"], "open")
        ids = self.expect(0, broker, "batch", "add", batch, "q", "--lines", input="a\nb\n").stdout.split()
        ids += self.expect(0, broker, "submit", "q", "c", "--batch", batch).stdout.split()
        self.assertEqual(len(ids), 3)
        self.worker(broker, "q", "--builtin", "echo")
        self.expect(0, broker, "wait", *ids)
        self.assertEqual(self.shown(broker, batch)["ended"], 3)
        self.assertIn("then", self.expect(0, broker, "batch", "show", batch).stdout)
        self.expect(0, broker, "batch", "close", batch)
        self.assertEqual(self.expect(0, broker, "batch", "wait", batch).stdout, f"{batch} done\n")
        self.assertEqual(self.expect(0, broker, "wait", batch).stdout, f"{batch} done\n")
        self.fails(4, broker, "batch", "add", batch, "q", "late", says="closed")
        shown = self.shown(broker, batch)
        self.assertEqual((shown["state"], shown["total"], shown["failed"], shown["kept"]), ("done", 3, 0, 3))
        self.worker(broker, "report", *self.script('echo "$SHEAF_H_KIND $SHEAF_H_BATCH $SHEAF_H_BATCH_FAILED"; cat'))
        self.expect(0, broker, "wait", shown["then"])
        self.assertEqual(self.expect(0, broker, "result", shown["then"]).stdout, f"x {batch[1:]} 0\nall of it")
        self.assertEqual(queue(broker, "report")["submitted"], 1)

    def test_ends(self):
        """A job follows the end that was asked for; a failed batch is exit 1."""
        broker = self.broker()
        self.worker(broker, "q", *self.script('read x; [ "$x" = good ]'))
        for when, payload, follows in (("success", "good", 1), ("success", "bad", 0), ("any", "bad", 1),
                                       ("failure", "good", 0), ("failure", "bad", 1)):
            then = f"{when}-{payload}"
            batch = self.new(broker, "--then", then, "--then-when", when)
            self.expect(0, broker, "batch", "add", batch, "q", payload)
            self.expect(0, broker, "batch", "close", batch)
            failed = payload == "bad"
            done = self.expect(1 if failed else 0, broker, "batch", "wait", batch)
            self.assertEqual(done.stdout, f"{batch} {'failed' if failed else 'done'}\n")
            self.assertEqual(queue(broker, then)["submitted"], follows, then)

    def test_left_open(self):
        broker = self.broker()
        batch = self.new(broker, "--open-for", "200ms", "--then", "late", "--then-when", "failure")
        self.assertEqual(self.expect(1, broker, "batch", "wait", batch).stdout, f"{batch} failed\n")
        self.assertTrue(self.shown(broker, batch)["expired"])
        self.assertEqual(queue(broker, "late")["submitted"], 1)

    def test_killed(self):
        """The broker is killed again and again while jobs of a batch end; exactly one job follows."""
        broker = self.broker()
        batch = self.new(broker, "--then", "next", "--then-payload", "x")
        self.worker(broker, "q", "-j", 4, *self.script("sleep 0.01"))
        self.expect(0, broker, "batch", "add", batch, "q", "--lines", input="".join(f"{i}\n" for i in range(300)))
        self.expect(0, broker, "batch", "close", batch)
        for some in (20, 100, 200, 299):
            wait_until(lambda: self.shown(broker, batch)["ended"] >= some, what=f"{some} jobs to end")
            broker.kill()
            broker.start()
        self.assertEqual(self.expect(0, broker, "batch", "wait", batch, "--timeout", "120s").stdout, f"{batch} done\n")
        broker.kill()
        broker.start()
        self.assertEqual(self.shown(broker, batch)["total"], 300)
        next_queue = queue(broker, "next")
        self.assertEqual((next_queue["submitted"], next_queue["ready"]), (1, 1))

    def test_usage(self):
        for argv, says in ((["batch"], "batch"), (["batch", "open"], "'open'"), (["batch", "add"], "id"),
                           (["batch", "add", "b1"], "QUEUE"), (["batch", "close", "x"], "'x'"),
                           (["batch", "new", "--then-payload", "x"], "--then"),
                           (["batch", "new", "--then", "q", "--delay", "1s"], "--delay"),
                           (["batch", "show", "b1", "--then", "q"], "batch new"),
                           (["batch", "new", "--then", "q", "--then-when", "never"], "'never'"),
                           (["submit", "q", "x", "--batch", "b"], "'b'")):
            self.fails(2, None, *argv, says=says, input="")
        broker = self.broker()
        self.fails(4, broker, "batch", "show", "b77", says="no such batch")
        self.fails(4, broker, "batch", "wait", "b77", says="77")
        self.fails(4, broker, "submit", "q", "x", "--batch", "b77", says="no such batch")


class After(Cli):
    def submit(self, broker, queue_name, *args):
        return self.expect(0, broker, "submit", queue_name, *args).stdout.strip()

    def state(self, broker, job):
        return json.loads(self.expect(0, broker, "job", job, "--json").stdout)["state"]

    def test_diamond(self):
        """Each runs when those before it have ended, also over a crash."""
        broker = self.broker()
        a = self.submit(broker, "q", "a")
        b, c = (self.submit(broker, "q", x, "--after", a) for x in "bc")
        d = self.submit(broker, "q", "d", "--after", f"{b},{c}")
        self.assertEqual([self.state(broker, j) for j in (a, b, c, d)], ["ready", "blocked", "blocked", "blocked"])
        self.assertRegex(self.expect(0, broker, "job", d).stdout, rf"(?m)^after +{b} {c}$")
        broker.kill()
        broker.start()
        self.assertEqual(self.state(broker, d), "blocked")
        self.worker(broker, "q", "-j", 4, *self.script("cat >>$D/order; sleep 0.1"))
        self.expect(0, broker, "wait", a, b, c, d)
        order = self.read("order")
        self.assertIn(order, ("abcd", "acbd"))

    def test_failure(self):
        """What follows a failure is cancelled, and so on; --after-any goes its way."""
        broker = self.broker()
        a = self.submit(broker, "q", "a")
        b = self.submit(broker, "q", "b", "--after", a)
        c = self.submit(broker, "q", "c", "--after", b)
        d = self.submit(broker, "q", "d", "--after", c, "--after", a, "--after-any")
        self.worker(broker, "q", *self.script('read x; [ "$x" != a ]'))
        done = self.expect(1, broker, "wait", a, b, c, d)
        self.assertEqual(sorted(done.stdout.splitlines()),
                         sorted([f"{a} dead", f"{b} cancelled", f"{c} cancelled", f"{d} done"]))
        said = json.loads(self.expect(0, broker, "job", b, "--json").stdout)
        self.assertEqual(said["state"], "cancelled")
        self.fails(4, broker, "submit", "q", "x", "--after", a, says="failed")
        self.fails(4, broker, "submit", "q", "x", "--after", "9999", says="no such job")
        self.expect(0, broker, "submit", "q", "x", "--after", a, "--after-any")

    def test_batch(self):
        broker = self.broker()
        batch = self.expect(0, broker, "batch", "new").stdout.strip()
        self.expect(0, broker, "batch", "add", batch, "q", "x")
        self.fails(2, broker, "submit", "q", "y", "--after", batch, says="close it first")
        self.expect(0, broker, "batch", "close", batch)
        y = self.submit(broker, "q", "y", "--after", batch)
        self.assertEqual(self.state(broker, y), "blocked")
        self.worker(broker, "q", "--builtin", "echo")
        self.expect(0, broker, "wait", y)

    def test_usage(self):
        self.fails(2, None, "submit", "q", "x", "--after", "one", says="'one'")
        self.fails(2, None, "submit", "q", "x", "--after-any", says="--after")
        self.fails(2, None, "submit", "q", "x", "--after", ",".join(str(i) for i in range(1, 66)), says="64")
