"""`sheaf race`: several workers run one job, the first good answer counts, one deadline bounds them all."""
import json
import os
import signal

from harness import Case, queue, wait_until


class Race(Case):
    def runner(self, broker, text, *options):
        """A worker with this handler; $D is the test's folder, $W its own name in it."""
        name = f"w{len(self.processes)}"
        return name, self.worker(broker, "q", "-j", 4, "--name", name, *options, "--", "sh", "-c",
                                 f"D={self.dir}; W={name}; {text}")

    def lines(self, name):
        try:
            with open(f"{self.dir}/{name}") as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def settled(self, broker):
        """What the queue says once nothing of a race is under way any more."""
        def look():
            q = queue(broker, "q")
            return q["running"] == q["blocked"] == q["ready"] == 0 and q
        return wait_until(look, what="the race to be over")

    def race(self, status, broker, *args, **more):
        return self.expect(status, broker, "race", "q", *args, **more)

    def test_the_first_good_answer(self):
        broker = self.broker()
        self.runner(broker, "echo $W >>$D/ran; exec sleep 600")
        fast, _ = self.runner(broker, "echo $W >>$D/ran; echo fast; cat")
        self.runner(broker, "echo $W >>$D/ran; echo broken >&2; exit 3")
        done = self.race(0, broker, "--replicas", 3, "--timeout", "60s", input="a payload")
        self.assertEqual((done.stdout, done.stderr), ("fast\na payload", ""))
        q = self.settled(broker)
        self.assertEqual((q["submitted"], q["done"], q["cancelled"], q["dead"]), (4, 2, 2, 0))
        self.assertLessEqual(len(self.lines("ran")), 3)
        self.assertIn(fast, self.lines("ran"))

    def test_apart_and_as_many_as_there_are(self):
        broker = self.broker()
        self.runner(broker, "echo $W >>$D/ran; echo no >&2; exit 5")
        self.runner(broker, "echo $W >>$D/ran; echo nor I >&2; exit 6")
        done = self.race(1, broker, "x", "--replicas", 4, "--timeout", "60s")
        self.assertEqual(sorted(self.lines("ran")), ["w1", "w2"])
        self.assertIn("sheaf: only 2 workers serve 'q': the race has no more runners, of 4 replicas", done.stderr)
        self.assertRegex(done.stderr, r"no replica of 4 was done\n")
        for says in (r"replica \d on w1: exit 5: no\n", r"replica \d on w2: exit 6: nor I\n"):
            self.assertRegex(done.stderr, says)
        self.assertEqual(done.stderr.count("no other worker could take it"), 2)
        q = self.settled(broker)
        self.assertEqual((q["dead"], q["cancelled"]), (1, 4))

    def test_no_answer_in_time(self):
        broker = self.broker()
        done = self.race(124, broker, "x", "--replicas", 2, "--timeout", "300ms")
        self.assertIn("no worker serves 'q' yet", done.stderr)
        self.assertIn("no answer within", done.stderr)
        self.runner(broker, "touch $D/began; exec sleep 600")
        done = json.loads(self.race(124, broker, "x", "--replicas", 2, "--timeout", "1s", "--json").stdout)
        self.assertEqual(done["state"], "expired")
        q = self.settled(broker)
        self.assertEqual((q["expired"], q["cancelled"]), (2, 4))

    def test_a_hedge_overtakes(self):
        broker = self.broker()
        for _ in range(2):  # whoever is first hangs
            self.runner(broker, "mkdir $D/first && exec sleep 600; echo $W")
        done = self.race(0, broker, "x", "--replicas", 2, "--hedge", "50ms", "--timeout", "60s")
        self.assertIn(done.stdout, ("w1\n", "w2\n"))
        self.race(0, broker, "x", "--replicas", 2, "--hedge", "60s", "--timeout", "60s")
        q = self.settled(broker)
        self.assertEqual((q["done"], q["cancelled"]), (4, 2))

    def test_interrupted(self):
        broker = self.broker()
        for _ in range(2):
            self.runner(broker, "echo $W >>$D/ran; exec sleep 600")
        race = self.command(broker, "race", "q", "x", "--replicas", 2, "--timeout", "1h")
        wait_until(lambda: len(self.lines("ran")) == 2, what="both to begin")
        self.assertRegex(self.expect(0, broker, "job", 1).stdout, r"(?m)^race +replicas 2 to 3$")
        self.assertRegex(self.expect(0, broker, "job", 3).stdout, r"(?m)^race +1, replica 2 of 2$")
        self.assertEqual(json.loads(self.expect(0, broker, "job", 1, "--json").stdout)["race"], "1")
        race.signal(signal.SIGINT)
        self.assertEqual(race.wait(), 130)
        self.assertEqual(self.settled(broker)["cancelled"], 3)

    def test_a_worker_and_the_broker_die(self):
        broker = self.broker()
        for _ in range(2):
            self.runner(broker, "echo $W >>$D/ran; [ -e $D/go ] || exec sleep 600; echo at last")
        race = self.command(broker, "race", "q", "x", "--replicas", 2, "--timeout", "1h")
        wait_until(lambda: len(self.lines("ran")) == 2, what="both to begin")
        broker.kill()
        self.processes[1].kill()
        broker.start()
        open(f"{self.dir}/go", "w").close()
        self.runner(broker, "echo $W >>$D/ran; echo at last")
        self.assertEqual(race.wait(), 0)
        self.assertEqual(race.stdout(), "at last\n")
        q = self.settled(broker)
        self.assertEqual((q["done"], q["cancelled"], q["submitted"]), (2, 1, 3))

    def test_mistakes(self):
        broker = self.broker()
        for args, says in ((["--timeout", "1s"], "--replicas"), (["--replicas", 2], "--timeout"),
                           (["--replicas", 17, "--timeout", "1s"], "16"),
                           (["--replicas", 2, "--timeout", "1s", "--lines"], "--lines")):
            done = self.race(2, broker, "x", *args)
            self.assertIn(says, done.stderr)
        self.assertFalse(os.path.exists(f"{self.dir}/ran"))
