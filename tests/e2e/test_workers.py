"""`sheaf workers drain` and `resume`: who gets jobs, and what becomes of those in hand."""
import json

from harness import queue, wait_until
from test_cli import Cli


class Workers(Cli):
    def workers(self, broker):
        return {w["name"]: w for w in map(json.loads, self.expect(0, broker, "workers", "--json").stdout.splitlines())}

    def test_drain_and_resume(self):
        broker = self.broker()
        script = self.script('read x; touch $D/$SHEAF_JOB_ID.ran; while [ ! -e $D/go ]; do sleep 0.02; done; echo $x')
        self.worker(broker, "q", "-j", 1, "--name", "one", *script)
        first = self.expect(0, broker, "submit", "q", "a").stdout.strip()
        wait_until(lambda: self.exists(f"{first}.ran"), what="the first job to run")
        self.expect(0, broker, "submit", "q", "--lines", input="b\nc\nd\n")
        done = self.expect(0, broker, "workers", "drain", "one")
        self.assertEqual(done.stdout, "one drained\n")
        wait_until(lambda: queue(broker, "q")["ready"] == 3, what="what has not started to come back")
        self.assertTrue(self.workers(broker)["one"]["draining"])
        self.assertRegex(self.expect(0, broker, "workers").stdout, r"(?m)^one .* draining$")
        self.write("go", "")
        self.expect(0, broker, "wait", first)  # what runs finishes
        other = self.worker(broker, "q", "-j", 1, "--name", "two", *script)
        wait_until(lambda: queue(broker, "q")["done"] == 4, what="the other worker to do the rest")
        self.assertEqual((self.workers(broker)["one"]["done"], self.workers(broker)["two"]["done"]), (1, 3))
        other.stop()
        broker.restart()  # the worker says that it was drained
        wait_until(lambda: self.workers(broker).get("one", {}).get("draining"), what="the worker to come back")
        last = self.expect(0, broker, "submit", "q", "e").stdout.strip()
        self.assertEqual(self.expect(0, broker, "workers", "resume", "one", "--json").stdout,
                         '{"name":"one","did":"resumed","workers":1}\n')
        self.expect(0, broker, "wait", last)

    def test_words(self):
        broker = self.broker()
        self.worker(broker, "q", "--name", "build-7", "--builtin", "echo")
        self.fails(4, broker, "workers", "drain", "build-8", says="'build-7'")
        self.fails(4, broker, "workers", "drain", "nobody", says="sheaf workers")
        self.fails(2, broker, "workers", "drain", says="name")
        self.fails(2, broker, "workers", "drian", "build-7", says="'drain'")
        self.fails(2, broker, "workers", "stop", "build-7", says="resume")
        self.fails(2, broker, "workers", "drain", "a b", says="'a b'")
