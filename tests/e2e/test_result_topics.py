"""What the broker publishes of jobs: results, events; and jobs that begin as messages."""
import collections
import json
import time

from harness import wait_until
from test_cli import Cli

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


class ResultTopics(Cli):
    def channel(self, broker, topic, channel="c"):
        self.expect(0, broker, "topic", topic, "create", "--channel", channel)

    def take(self, broker, topic, n, channel="c"):
        """n messages of the channel, as what their JSON says."""
        done = self.expect(0, broker, "sub", topic, "--channel", channel, "-n", n)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def depth(self, broker, topic, channel="c"):
        rows = map(json.loads, self.expect(0, broker, "topic", topic, "--json").stdout.splitlines())
        return next(r["depth"] for r in rows if r.get("channel") == channel)

    def test_a_result_is_what_result_says(self):
        broker = self.broker()
        self.channel(broker, "results.q")
        self.worker(broker, "q", *self.script('read -r x; printf "$x"; [ "$x" != bad ] || { echo no >&2; exit 3; }'))
        jobs = [self.expect(0, broker, "submit", "q", x).stdout.strip() for x in ('say "hi"', r"\377", "bad")]
        self.sheaf(broker, "wait", *jobs)
        got = {r["id"]: r for r in self.take(broker, "results.q", 3)}
        self.assertEqual(set(got), set(jobs))
        for job in jobs:
            told = got[job]
            self.assertEqual(told.pop("queue"), "q")
            for key in "submitted", "started", "finished":
                self.assertRegex(told[key], TIME)
            shown = json.loads(self.sheaf(broker, "result", job, "--json").stdout)
            self.assertEqual(told, shown)
        self.assertEqual([got[j]["state"] for j in jobs], ["done", "done", "dead"])
        self.assertEqual((got[jobs[0]]["result"], got[jobs[1]]["result_base64"]), ('say "hi"', "/w=="))
        self.assertEqual((got[jobs[2]]["exit"], got[jobs[2]]["error"]), (3, "no\n"))

    def test_a_topic_of_its_own_is_kept_over_a_crash(self):
        broker = self.broker()
        job = self.expect(0, broker, "submit", "q", "x", "--topic", "mine").stdout.strip()
        self.expect(0, broker, "submit", "q", "y")
        broker.kill()
        broker.start()
        self.worker(broker, "q", "--builtin", "echo")
        self.expect(0, broker, "wait", job)
        broker.kill()
        broker.start()
        told, = self.take(broker, "mine", 1)
        self.assertEqual((told["id"], told["result"], told["state"]), (job, "x", "done"))
        self.assertEqual(self.depth(broker, "mine"), 0)

    def test_what_cannot_be_a_topic(self):
        broker = self.broker()
        self.fails(2, broker, "submit", "q", "x", "--topic", "no such name", says="no topic can be named")
        self.fails(2, broker, "submit", "q", "x", "--topic", "jobs.q", says="would be a job")

    def test_a_large_result_is_left_out(self):
        broker = self.broker()
        self.channel(broker, "results.q")
        self.worker(broker, "q", *self.script("head -c 1500000 /dev/zero"))
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        self.expect(0, broker, "wait", job)
        told, = self.take(broker, "results.q", 1)
        self.assertIs(told["result_omitted"], True)
        self.assertNotIn("result", told)
        self.assertEqual(len(self.expect(0, broker, "result", job).stdout), 1500000)

    def test_the_life_of_a_job_as_events(self):
        broker = self.broker()
        self.channel(broker, "events.q")
        worker = self.worker(broker, "q", *self.script('[ "$SHEAF_ATTEMPT" = 2 ] || { echo no >&2; exit 7; }'))
        good = self.expect(0, broker, "submit", "q", "x", "--attempts", 2, "--backoff", "10ms").stdout.strip()
        self.expect(0, broker, "wait", good)
        bad = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        self.expect(1, broker, "wait", bad)
        worker.stop()
        gone = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        self.expect(0, broker, "cancel", gone)
        late = self.expect(0, broker, "submit", "q", "x", "--expires", "50ms").stdout.strip()
        self.expect(1, broker, "wait", late)
        told = collections.defaultdict(list)
        for e in self.take(broker, "events.q", self.depth(broker, "events.q")):
            self.assertEqual(e["queue"], "q")
            self.assertRegex(e["time"], TIME)
            told[e["id"]].append((e["event"], e["attempt"]))
            if e["event"] == "failed":
                self.assertEqual((e["exit"], e["error"]), (7, "no\n"))
            if e["event"] == "retried":
                self.assertRegex(e["due"], TIME)
        self.assertEqual(told[good], [("submitted", 0), ("started", 1), ("failed", 1), ("retried", 1), ("started", 2),
                                      ("done", 2)])
        self.assertEqual(told[bad], [("submitted", 0), ("started", 1), ("failed", 1), ("dead", 1)])
        self.assertEqual(told[gone], [("submitted", 0), ("cancelled", 0)])
        self.assertEqual(told[late], [("submitted", 0), ("expired", 0)])

    def test_a_message_is_a_job(self):
        broker = self.broker()
        self.channel(broker, "results.q")
        self.worker(broker, "q", "--builtin", "echo")
        self.expect(0, broker, "pub", "jobs.q", "--lines", input="a\nb\n")
        self.assertEqual(sorted(r["result"] for r in self.take(broker, "results.q", 2)), ["a", "b"])

    def test_every_end_is_told_of_whatever_crashes(self):
        broker = self.broker()
        self.channel(broker, "results.q")
        self.worker(broker, "q", "-j", 4, "--builtin", "echo")
        jobs, end = set(), time.monotonic() + 4
        while time.monotonic() < end:
            lines = "".join(f"{i}\n" for i in range(200))
            jobs.update(self.expect(0, broker, "submit", "q", "--lines", "--topic", "own", input=lines).stdout.split())
            broker.kill()
            broker.start()
        wait_until(lambda: self.depth(broker, "results.q") >= len(jobs), what="all results")
        for topic in "results.q", "own":
            told = [r["id"] for r in self.take(broker, topic, len(jobs))]
            self.assertEqual(collections.Counter(told), collections.Counter(jobs), topic)
