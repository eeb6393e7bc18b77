"""kill -9 of the broker in the middle of publishing and consuming through the NSQ edge. What was answered with OK
reaches every channel; deferred messages keep their time; attempts keep their count.

ROUNDS is the number of rounds: 4 in CI, 100 by hand."""
import collections
import os
import random
import threading
import time

from harness import wait_until
from nsq_case import NsqCase
from nsq_client import Closed, Refused, mpub_body

ROUNDS = int(os.environ.get("ROUNDS", "4"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
CHANNELS, BATCH, WINDOW = ("a", "b"), 40, 6
DEAD = (Closed, OSError)


class Part(threading.Thread):
    """A thread that works with a connection until it is told to stop, and connects again whenever it is cut off."""

    def __init__(self, case, work):
        super().__init__(daemon=True)
        self.case, self.work, self.stopping, self.trouble = case, work, threading.Event(), None

    def run(self):
        while not self.stopping.is_set():
            try:
                with self.case.client(seconds=20) as c:
                    self.work(c, self.stopping)
            except DEAD:
                time.sleep(0.02)
            except BaseException as e:
                self.trouble = e
                return

    def end(self):
        self.stopping.set()
        self.join(60)
        if self.trouble:
            raise self.trouble
        if self.is_alive():
            raise AssertionError("a connection hangs")


class Load:
    """Publishers and consumers of one topic, and what they know."""

    def __init__(self, case, rng):
        self.case, self.rng, self.lock = case, rng, threading.Lock()
        self.next, self.sent, self.accepted = 0, set(), set()
        self.due = {}                                               # number: not before, of deferred ones
        self.came = {ch: collections.Counter() for ch in CHANNELS}  # number: how often
        self.ids = {}
        self.parts = []

    def numbers(self, n):
        with self.lock:
            first, self.next = self.next, self.next + n
            self.sent.update(range(first, first + n))
        return range(first, first + n)

    def publish(self, c, stopping):
        waiting = collections.deque()
        while True:
            while len(waiting) < WINDOW and not stopping.is_set():
                if self.rng.random() < 0.1:
                    n = self.numbers(1)
                    ms = self.rng.randrange(100, 2500)
                    self.due[n[0]] = time.time() + ms / 1000
                    c.command("DPUB", "kill", ms, body=b"%d" % n[0])
                else:
                    n = self.numbers(BATCH)
                    c.send(b"MPUB kill\n" + mpub_body([b"%d" % i for i in n]))
                waiting.append(n)
            if not waiting:
                return
            c.ok()
            self.accepted.update(waiting.popleft())

    def consume(self, channel):
        def work(c, stopping):
            c.sub("kill", channel, rdy=100)
            while not stopping.is_set():
                m = c.message(0.1)
                if m is None:
                    continue
                number, now = int(m.body), time.time()
                early = self.due.get(number, 0) - now
                if early > 0.005:
                    raise AssertionError(f"deferred message {number} came {early:.3f} s early")
                if self.ids.setdefault(number, m.id) != m.id:
                    raise AssertionError(f"message {number} has ids {self.ids[number]} and {m.id}")
                again = self.came[channel][number] == 0 and self.rng.random() < 0.02
                self.came[channel][number] += not again
                try:
                    if again:
                        c.req(m, self.rng.choice((0, 0, 300)))
                    else:
                        c.fin(m)
                except Refused:
                    pass
        return work

    def start(self, work, n=1):
        for _ in range(n):
            self.parts.append(Part(self.case, work))
            self.parts[-1].start()
        return self.parts[-n:]

    def check(self):
        for p in self.parts:
            if p.trouble:
                raise p.trouble

    def missing(self):
        self.check()
        return {ch: self.accepted - self.came[ch].keys() for ch in CHANNELS}


class Kill(NsqCase):
    TIMEOUT = 120 + 30 * ROUNDS

    def setUp(self):
        self.rng = random.Random(SEED)
        print(f"SEED={SEED}", flush=True)
        self.own = self.own_broker()
        for ch in CHANNELS:
            self.consumer("kill", ch).close()

    def test_publish_and_consume(self):
        load = Load(self, self.rng)
        for ch in CHANNELS:
            load.start(load.consume(ch), 2)
        for n in range(ROUNDS):
            publishers = load.start(load.publish, 2)
            target = len(load.accepted) + self.rng.randrange(200, 20000)
            wait_until(lambda: load.check() or len(load.accepted) >= target, what="publishes to be accepted")
            self.own.kill()
            at = len(load.accepted)
            self.own.start()
            wait_until(lambda: load.check() or len(load.accepted) > at, what="publishing to go on")
            for p in publishers:
                p.end()
            wait_until(lambda: not any(load.missing().values()), what=f"all that was accepted to come: {SEED}")
            for ch in CHANNELS:
                self.assertLessEqual(load.came[ch].keys(), load.sent, "what nobody sent has come")
                self.wait_channel("kill", ch, depth=0, in_flight_count=0)
            again = {ch: sum(v > 1 for v in list(load.came[ch].values())) for ch in CHANNELS}
            print(f"round {n}: killed after {at} of {len(load.accepted)} accepted; came again: {again}", flush=True)
        for p in load.parts:
            p.end()
        self.own.stop()

    def test_attempts_and_times(self):
        """What was requeued, deferred, or in hand when the broker died."""
        for n in range(max(1, ROUNDS // 2)):
            topic = f"kept{n}"
            c = self.consumer(topic, "a", rdy=0)
            c.mpub(topic, [b"r%d" % i for i in range(40)])
            expected, held = self.requeue(c), []
            c.mpub(topic, [b"h%d" % i for i in range(10)])
            c.rdy(10)
            held = {m.body: m.attempts for m in c.take(10)}
            c.rdy(0)
            due = {}
            for i in range(10):
                ms = self.rng.randrange(500, 4000)
                due[b"d%d" % i] = time.time() + ms / 1000
                c.dpub(topic, ms, b"d%d" % i)
            wait_until(lambda: self.counts(topic) == (10, 50), what="all that was requeued and deferred to be there")
            time.sleep(self.rng.random() * 0.3)
            self.own.kill()
            time.sleep(self.rng.random() * 0.3)
            self.own.start()
            c = self.consumer(topic, "a", rdy=100)
            for m in c.take(60):
                self.one(m, expected, held, due)
                c.fin(m)
            self.assertIsNone(c.message(0.2))
            self.wait_channel(topic, "a", depth=0, in_flight_count=0, deferred_count=0)
        self.own.stop()

    def counts(self, topic):
        """In hand, and waiting for their time or past it."""
        got = self.channel_stats(topic, "a")
        return got["in_flight_count"], got["deferred_count"] + got["depth"]

    def requeue(self, c):
        """Requeues each of the 40 messages of a channel up to five times; they end deferred. {body: (attempts that
        its next delivery has, not before)}"""
        todo = {b"r%d" % i: self.rng.randrange(1, 6) for i in range(40)}
        expected = {}
        c.rdy(5)
        while len(expected) < 40:
            m = c.message()
            if m.attempts < todo[m.body]:
                c.req(m, 0)
                continue
            ms = self.rng.randrange(1500, 4000)
            expected[m.body] = (m.attempts + 1, time.time() + ms / 1000)
            c.req(m, ms)
        c.rdy(0)
        return expected

    def one(self, m, expected, held, due):
        now = time.time() + 0.005
        if m.body in expected:
            attempts, not_before = expected[m.body]
            self.assertEqual(m.attempts, attempts, m.body)
            self.assertGreaterEqual(now, not_before, f"{m.body} came early")
        elif m.body in held:
            self.assertIn(m.attempts, (held[m.body], held[m.body] + 1), m.body)
        else:
            self.assertEqual(m.attempts, 1, m.body)
            self.assertGreaterEqual(now, due[m.body], f"{m.body} came early")


if __name__ == "__main__":
    import unittest
    unittest.main()
