"""kill -9 of the broker in the middle of publishing and consuming: what was acknowledged is not missing, what was
finished and answered does not come again.

ROUNDS is the number of rounds: 3 in CI, 100 by hand."""
import os
import random
import threading
import time
import unittest

try:
    import topic_client as T
    MISSING = None
except ImportError as e:  # python3-zmq and python3-msgpack are Debian's
    MISSING = str(e)
from harness import Case, wait_until

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
CHANNELS = ("a", "b", "c")


class Publisher(threading.Thread):
    """Publishes until it is stopped or its broker is gone. self.sure: bodies that were acknowledged."""

    def __init__(self, url, name):
        super().__init__(daemon=True)
        self.url, self.prefix, self.sure, self.maybe, self.stop = url, name, [], [], False
        self.seed = random.Random(name)

    def run(self):
        client, n = T.Topics(self.url, seconds=2), 0
        try:
            while not self.stop:
                count = self.seed.choice((1, 1, 5, 200))
                bodies = [f"{self.prefix}.{n + i}".encode() for i in range(count)]
                self.maybe += bodies
                client.publish("t", bodies, self.seed.choice((0, 0, 0, 300)))
                self.sure += bodies
                n += count
        except (TimeoutError, T.Refused):
            pass
        client.close()


class Consumer(threading.Thread):
    """Finishes what it gets in one channel, and proves it now and then. self.done: what is finished for sure."""

    def __init__(self, url, channel, seed):
        super().__init__(daemon=True)
        self.url, self.channel, self.got, self.done, self.stop = url, channel, [], set(), False
        self.rng = random.Random(seed)

    def run(self):
        client = T.Topics(self.url, seconds=2)
        try:
            sub = client.subscribe("t", self.channel, ready=300)
            unproven = []
            while not self.stop:
                for m in client.messages(1):
                    self.got.append((m.body, m.attempts))
                    if self.rng.random() < 0.05:
                        client.requeue(m, delay_ms=self.rng.choice((0, 50)))
                    else:
                        client.finish(m)
                        unproven.append(m.body)
                if len(unproven) >= 500:
                    client.op(T.CREATE, "t", self.channel)  # its answer is behind what was settled before
                    self.done.update(unproven)
                    unproven = []
        except (TimeoutError, T.Refused):
            pass
        client.close()


@unittest.skipIf(MISSING, MISSING)
class TopicsKill(Case):
    TIMEOUT = 120 + 20 * ROUNDS

    def waits(self, client, channel):
        row = client.topics("t")["t", channel]
        return row.depth + row.deferred + row.in_hand

    def test_broker(self):
        print(f"SEED={SEED}", flush=True)
        rng = random.Random(SEED)
        broker = self.broker(segment="64M")
        client = T.Topics(broker.url)
        for channel in CHANNELS:
            client.op(T.CREATE, "t", channel)
        client.close()
        sure, maybe, done, got = set(), set(), {c: set() for c in CHANNELS}, {c: set() for c in CHANNELS}
        for n in range(ROUNDS):
            publishers = [Publisher(broker.url, f"{n}.{i}") for i in range(2)]
            consumers = [Consumer(broker.url, c, f"{SEED}.{n}.{c}") for c in CHANNELS]
            for thread in publishers + consumers:
                thread.start()
            wait_until(lambda: sum(len(p.sure) for p in publishers) > 500, what="some messages")
            time.sleep(rng.random() * 0.3)
            broker.kill()
            for thread in publishers + consumers:
                thread.stop = True
                thread.join(60)
                self.assertFalse(thread.is_alive())
            broker.start()
            for p in publishers:
                sure.update(p.sure)
                maybe.update(p.maybe)
            for c in consumers:
                bodies = {b for b, _ in c.got}
                again = sorted(bodies & done[c.channel])
                self.assertEqual(again[:5], [], f"{len(again)} that were finished for sure came again to {c.channel}")
                self.assertFalse(bodies - maybe)
                done[c.channel] |= c.done
                got[c.channel] |= bodies
        client = T.Topics(broker.url)
        self.addCleanup(client.close)
        for channel in CHANNELS:
            sub, want = client.subscribe("t", channel, ready=2000), sure - got[channel]
            last = set()
            while want or self.waits(client, channel):
                for m in client.messages(1):
                    if m.body in done[channel]:
                        self.fail(f"{channel}: {m} was finished for sure, and came again")
                    last.add(m.body)
                    want.discard(m.body)
                    client.finish(m)
            client.unsubscribe(sub)
            got[channel] |= last
            lost = sorted(sure - got[channel])
            self.assertEqual(lost[:5], [], f"{len(lost)} were acknowledged, and never delivered to {channel}")
            self.assertFalse(got[channel] - maybe)
        row = wait_until(lambda: (r := client.topics("t")["t", ""]).kept == 0 and r, what="the topic to be empty")
        self.assertGreaterEqual(row.messages, len(sure))
