"""Tenants share a queue fairly, groups run one at a time and in order, limits hold; with real processes."""
import json
import time

from harness import Case, queue, wait_until


class Fair(Case):
    def lines(self, name):
        try:
            with open(f"{self.dir}/{name}") as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def submit(self, broker, *args, n, text="x"):
        done = self.expect(0, broker, "submit", *args, "--lines", input="".join(f"{text}{i}\n" for i in range(n)))
        return done.stdout.split()

    def test_a_group_keeps_its_order_over_failures_and_crashes(self):
        """Each job of the group fails once, and the broker is killed meanwhile: one at a time, in order."""
        broker = self.broker()
        log = f"{self.dir}/log"
        script = (f"read n; echo begin-$n >>{log}; sleep 0.02; echo end-$n >>{log}; "
                  f"[ $SHEAF_ATTEMPT -gt 1 ] || [ $(($n % 3)) -ne 0 ]")
        worker = self.worker(broker, "q", "-j", 4, "--", "sh", "-c", script)
        self.submit(broker, "q", "--group", "g", "--attempts", 5, "--backoff", "30ms", n=12, text="")
        wait_until(lambda: len(self.lines("log")) > 8, what="some jobs to run")
        broker.kill()
        broker.start()
        wait_until(lambda: queue(broker, "q")["done"] == 12, what="all jobs to be done")
        worker.stop()
        seen, open_job = [], None
        for line in self.lines("log"):
            what, n = line.split("-")
            if what == "begin":
                self.assertIn(open_job, (None, n), "two at a time")
                open_job = n
                if not seen or seen[-1] != int(n):
                    seen.append(int(n))
            else:
                open_job = None
        self.assertEqual(seen, list(range(12)))

    def test_a_job_knows_its_tenant_and_group(self):
        broker = self.broker()
        (job,) = self.submit(broker, "q", "--tenant", "acme", "--group", "order-7", n=1)
        info = json.loads(self.expect(0, broker, "job", job, "--json").stdout)
        self.assertEqual((info["tenant"], info["group"]), ("acme", "order-7"))
        self.assertRegex(self.expect(0, broker, "job", job).stdout, r"(?m)^group +order-7$")
        self.expect(2, broker, "submit", "q", "x", "--tenant", "a b")

    def test_few_jobs_beside_many(self):
        """The tenant's ten jobs alone, then beside another's very many: not much longer, with a generous bound."""
        broker = self.broker()
        self.worker(broker, "q", "-j", 2, "--builtin", "sleep")
        def ten():
            begun = time.monotonic()
            self.expect(0, broker, "map", "q", "--tenant", "few", input="50ms\n" * 10)
            return time.monotonic() - begun
        alone = min(ten() for _ in range(2))
        self.expect(0, broker, "submit", "q", "--tenant", "many", "--lines", input="50ms\n" * 5000)
        wait_until(lambda: queue(broker, "q")["running"] >= 2, what="the many to run")
        beside = min(ten() for _ in range(2))
        self.assertLess(beside, 4 * alone + 1)
        left = queue(broker, "q")["ready"]
        self.assertGreater(left, 4000, "the many were to be there all the time")

    def test_a_concurrency_holds(self):
        """Two workers with room for eight, a concurrency of three, and the broker is killed once meanwhile."""
        broker = self.broker()
        self.expect(0, broker, "queue", "q", "set", "concurrency=3")
        log = f"{self.dir}/log"
        script = f"echo +$SHEAF_JOB_ID >>{log}; sleep 0.1; echo -$SHEAF_JOB_ID >>{log}"
        for _ in range(2):
            self.worker(broker, "q", "-j", 4, "--", "sh", "-c", script)
        self.submit(broker, "q", n=30)
        wait_until(lambda: len(self.lines("log")) > 20, what="some jobs to run")
        self.assertLessEqual(queue(broker, "q")["running"], 3)
        broker.kill()
        broker.start()
        wait_until(lambda: queue(broker, "q")["done"] == 30, what="all jobs to be done")
        running, most = set(), 0
        for line in self.lines("log"):
            (running.add if line[0] == "+" else running.discard)(line[1:])
            most = max(most, len(running))
        self.assertEqual(most, 3)

    def test_a_rate_holds(self):
        """A rate cannot be run faster, whatever the machine does."""
        broker = self.broker()
        self.expect(0, broker, "queue", "q", "set", "rate=20/s", "burst=1")
        self.worker(broker, "q", "-j", 4, "--builtin", "echo")
        begun = time.monotonic()
        self.expect(0, broker, "map", "q", input="x\n" * 31)
        self.assertGreater(time.monotonic() - begun, 30 / 20 - 0.1)
        self.expect(0, broker, "queue", "q", "set", "rate=default")
        self.expect(0, broker, "map", "q", input="x\n" * 1000)

    def test_defaults_of_a_queue(self):
        """Attempts of a queue hold for jobs that do not say how many they want."""
        broker = self.broker()
        self.expect(0, broker, "queue", "q", "set", "attempts=3")
        self.worker(broker, "q", "--", "sh", "-c", "[ $SHEAF_ATTEMPT -ge 3 ] && echo $SHEAF_ATTEMPT")
        self.assertEqual(self.expect(0, broker, "run", "q", "x").stdout, "3\n")
        self.expect(1, broker, "run", "q", "--attempts", "2", "x")
