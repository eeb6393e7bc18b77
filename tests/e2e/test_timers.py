"""Jobs that wait for their time: none begins early, none is lost by a crash meanwhile, each runs once.

    TIMERS=100000 tests/e2e/run.py test_timers      prints how late they began; the bar is 50 ms"""
import os
import time

from harness import Case
from sheaf_client import DONE, Client

TIMERS = int(os.environ.get("TIMERS", "2000"))
GROUP = 10  # jobs of one time
SOME = 20000  # jobs awaited at a time


def wall():
    return int(time.time() * 1000)


def submit_all(client, first, span):
    """TIMERS jobs, due from `first` on and within `span` ms; when each is due, by id."""
    due = {}
    for i in range(0, TIMERS, GROUP):
        at = first + i * span // TIMERS
        for job in client.submit("q", [b"x"] * GROUP, terms=(0, at), want=False):
            due[job] = at
    return due


class Timers(Case):
    TIMEOUT = 120 + TIMERS // 200

    def judge(self, client, due):
        late, ids = [], list(due)
        for at in range(0, len(ids), SOME):
            for job, result in client.wait(ids[at:at + SOME]).items():
                self.assertEqual((result.state, result.attempt), (DONE, 1), f"job {job}")
                late.append(result.started_ms - due[job])
        late.sort()
        self.assertGreaterEqual(late[0], 0, "a job began before its time")
        return late

    def test_over_a_crash(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "--builtin", "noop", "-j", 2)
        client = Client(broker.url)
        span = 500 if TIMERS <= 2000 else TIMERS // 10
        due = submit_all(client, wall() + 2000 + TIMERS // 20, span)
        client.close()
        broker.kill()
        broker.start()
        client = Client(broker.url, seconds=60 + TIMERS // 500)
        late = self.judge(client, due)
        client.close()
        if TIMERS > 2000:
            p50, p99, p999 = (late[int(share * len(late))] for share in (.5, .99, .999))
            print(f"\n{TIMERS} timers, {1000 * TIMERS // span} due a second, over a kill -9: began late by "
                  f"p50 {p50} p99 {p99} p99.9 {p999} max {late[-1]} ms", flush=True)
        worker.stop()
        broker.stop()

    def test_what_is_typed_wrong(self):
        broker = self.broker()
        for flags, words in ((["--at", "tomorrow"], "2026-11-24T12:00:00Z"),
                             (["--delay", "1s", "--at", "2099-01-01T00:00:00Z"], "exclude each other"),
                             (["--expires", "soon"], "neither a duration"),
                             (["--backoff", "2s", "--backoff-max", "1s"], "less than --backoff")):
            self.assertIn(words, self.expect(2, broker, "submit", "q", "x", *flags).stderr)
        late = self.expect(2, broker, "submit", "q", "x", "--expires", "2001-01-01T00:00:00Z")
        self.assertIn("over already", late.stderr)
        broker.stop()

    def test_expired(self):
        broker = self.broker()
        job = self.expect(0, broker, "submit", "q", "x", "--expires", "300ms").stdout.strip()
        self.expect(1, broker, "wait", job)
        self.assertIn("expired", self.expect(0, broker, "job", job).stdout)
        broker.stop()
