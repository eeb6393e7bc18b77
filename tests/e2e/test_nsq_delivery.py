"""What NSQ promises of messages, at the edge: who gets which, how many at once, how often, and when."""
import collections
import random
import selectors
import time

from harness import PATIENCE, wait_until
from nsq_case import NsqCase, trusting
from nsq_client import sized

QUIET = 0.3  # seconds in which nothing must come; too short never fails, it only sees less


class Crew:
    """Consumers that finish all that comes, until a condition holds."""

    def __init__(self, consumers):
        self.consumers, self.got = consumers, {c: [] for c in consumers}

    def work(self, enough, seconds=None):
        end = time.monotonic() + (seconds or PATIENCE)
        with selectors.DefaultSelector() as s:
            for c in self.consumers:
                s.register(c.sock, selectors.EVENT_READ, c)
            while not enough(self.got):
                if time.monotonic() > end:
                    raise AssertionError(f"{[len(g) for g in self.got.values()]} messages came, not enough")
                for key, _ in s.select(0.05):
                    self.one(key.data)

    def one(self, c):
        while True:
            m = c.message(0)
            if m is None:
                return
            self.got[c].append(m)
            c.fin(m)

    def total(self):
        return sum(map(len, self.got.values()))


class Fanout(NsqCase):
    def test_each_channel_gets_each_message_once(self):
        channels, n = ("a", "b", "c"), 3000
        consumers = {ch: [self.consumer("fan", ch, rdy=50) for _ in range(3)] for ch in channels}
        out, bodies, rng = self.producer(), [b"%d" % i for i in range(n)], random.Random(4)
        at = 0
        while at < n:
            many = bodies[at:at + rng.choice((1, 1, 7, 200))]
            if len(many) == 1:
                out.pub("fan", many[0])
            else:
                out.mpub("fan", many)
            at += len(many)
        crew = Crew(sum(consumers.values(), []))
        crew.work(lambda _: crew.total() >= n * len(channels))
        ids = {}
        for ch in channels:
            got = [m for c in consumers[ch] for m in crew.got[c]]
            self.assertEqual(sorted(m.body for m in got), sorted(bodies), f"channel {ch}")
            self.assertEqual({m.attempts for m in got}, {1})
            self.assertTrue(all(crew.got[c] for c in consumers[ch]), "a consumer got nothing")
            for m in got:
                self.assertEqual(ids.setdefault(m.body, m.id), m.id, "one message, one id")
        self.assertEqual(len(set(ids.values())), n, "ids repeat")
        for ch in channels:
            self.wait_channel("fan", ch, depth=0, in_flight_count=0, message_count=n)

    def test_the_first_channel_gets_what_waited(self):
        out = self.producer()
        out.mpub("first", [b"%d" % i for i in range(100)])
        first = self.consumer("first", "a", rdy=200)
        self.assertEqual(sorted(int(m.body) for m in first.take(100)), list(range(100)))
        second = self.consumer("first", "b", rdy=200)
        self.assertIsNone(second.message(QUIET))
        out.pub("first", b"new")
        self.assertEqual((first.message().body, second.message().body), (b"new", b"new"))

    def test_a_subscriber_may_publish(self):
        c = self.consumer("self", "a", rdy=5)
        for i in range(5):
            c.pub("self", str(i))
        self.assertEqual(sorted(m.body for m in c.take(5)), [b"0", b"1", b"2", b"3", b"4"])

    def test_bodies_of_all_sizes(self):
        out, c = self.producer(), self.consumer("sizes", "a", rdy=100)
        rng = random.Random(1)
        bodies = [rng.randbytes(n) for n in (1, 2, 3, 63, 64, 65, 4096, 65536, 300000, 1048576)]
        out.mpub("sizes", bodies[:-1])
        out.pub("sizes", bodies[-1])
        self.assertEqual(sorted(m.body for m in c.take(len(bodies))), sorted(bodies))

    def test_a_batch_as_big_as_may_be(self):
        out, c = self.producer(), self.consumer("batch", "a", rdy=100)
        bodies = [bytes([i]) * 1048000 for i in range(5)]
        out.mpub("batch", bodies)
        got = c.take(5)
        self.assertEqual(sorted(m.body for m in got), bodies)
        for m in got:
            c.fin(m)
        small = [b"%d" % i for i in range(20000)]
        out.mpub("batch", small)
        crew = Crew([c])
        c.rdy(2500)
        crew.work(lambda got: len(got[c]) >= len(small))
        self.assertEqual(sorted(m.body for m in crew.got[c]), sorted(small))


class Ready(NsqCase):
    def test_a_ceiling(self):
        out, c = self.producer(), self.consumer("rdy", "a", rdy=3)
        out.mpub("rdy", [b"%d" % i for i in range(20)])
        held = c.take(3)
        self.assertIsNone(c.message(QUIET), "more than RDY 3 in hand")
        c.fin(held.pop())
        held += c.take(1)
        self.assertIsNone(c.message(QUIET))
        c.rdy(5)
        held += c.take(2)
        self.assertIsNone(c.message(QUIET))
        c.rdy(0)
        for m in held:
            c.fin(m)
        self.assertIsNone(c.message(QUIET), "a message at RDY 0")
        c.rdy(100)
        self.assertEqual(len(c.take(20 - 6)), 14)

    def test_nothing_before_rdy(self):
        out, c = self.producer(), self.consumer("before", "a")
        out.pub("before", "x")
        self.assertIsNone(c.message(QUIET))
        c.command("RDY")  # without a count: 1
        self.assertEqual(c.message().body, b"x")

    def test_one_at_a_time(self):
        """A backlog, with RDY 1: each FIN brings the next at once, whether it waits in a batch or alone."""
        out, c = self.producer(), self.consumer("one", "a", rdy=0)
        out.mpub("one", [b"x"] * 1500)
        out.send((b"PUB one\n" + sized(b"y")) * 500)
        for _ in range(500):
            out.ok()
        crew = Crew([c])
        c.rdy(1)
        crew.work(lambda _: crew.total() >= 2000)

    def test_consumers_share(self):
        """Of two consumers that are as fast none gets nearly all."""
        out, two = self.producer(), [self.consumer("share", "a", rdy=10) for _ in range(2)]
        out.mpub("share", [b"%d" % i for i in range(2000)])
        crew = Crew(two)
        crew.work(lambda _: crew.total() >= 2000)
        self.assertGreater(min(len(g) for g in crew.got.values()), 200, "shares")

    def test_cls(self):
        out, c, other = self.producer(), self.consumer("cls", "a", rdy=2), self.consumer("cls", "a", rdy=0)
        out.mpub("cls", [b"1", b"2", b"3"])
        held = c.take(2)
        c.cls()
        c.fin(held[0])
        c.rdy(5)  # is ignored
        self.assertIsNone(c.message(QUIET), "a message after CLS")
        c.req(held[1], 0)
        other.rdy(5)
        self.assertEqual(sorted(m.body for m in other.take(2)), sorted([held[1].body, b"3"]))


class Again(NsqCase):
    """Messages that come more than once."""

    def test_requeue(self):
        out, c = self.producer(), self.consumer("req", "a", rdy=1)
        out.pub("req", "x")
        for attempt in range(1, 6):
            m = c.message()
            self.assertEqual((m.body, m.attempts), (b"x", attempt))
            c.req(m, 0)
        c.fin(c.message())
        self.wait_channel("req", "a", depth=0, in_flight_count=0, requeue_count=5)

    def test_requeue_goes_to_the_end(self):
        out, c = self.producer(), self.consumer("end", "a", rdy=1)
        out.mpub("end", [b"1", b"2", b"3"])
        first = c.message()
        c.req(first, 0)
        rest = []
        for _ in range(3):
            m = c.message()
            rest.append(m.body)
            c.fin(m)
        self.assertEqual(sorted(rest), [b"1", b"2", b"3"])
        self.assertEqual(rest[-1], first.body)

    def test_requeue_with_a_delay(self):
        out, c = self.producer(), self.consumer("later", "a", rdy=2)
        out.pub("later", "x")
        m, began = c.message(), time.monotonic()
        c.req(m, 1000)
        self.wait_channel("later", "a", deferred_count=1, depth=0, in_flight_count=0)
        out.pub("later", "y")
        self.assertEqual(c.message().body, b"y")
        again = c.message()
        self.assertGreaterEqual(time.monotonic() - began, 0.99)
        self.assertEqual((again.body, again.attempts, again.id), (b"x", 2, m.id))

    def test_a_delay_beyond_the_longest(self):
        """It is cut to the longest, not refused."""
        out, c = self.producer(), self.consumer("cut", "a", rdy=1)
        out.pub("cut", "x")
        c.req(c.message(), 4000000000)
        self.wait_channel("cut", "a", deferred_count=1)
        self.assertTrue(c.is_open())

    def test_timeout(self):
        out = self.producer()
        c = self.consumer("timeout", "a", rdy=1, msg_timeout=1000)
        out.pub("timeout", "x")
        m, began = c.message(), time.monotonic()
        again = c.message()
        self.assertGreaterEqual(time.monotonic() - began, 0.99)
        self.assertEqual((again.body, again.attempts, again.id), (b"x", 2, m.id))
        c.fin(again)
        self.wait_channel("timeout", "a", depth=0, in_flight_count=0, timeout_count=1)
        c.fin(m)
        self.assertRegex(c.error(), "^E_FIN_FAILED FIN [0-9a-f]{16} failed ID not in flight$")
        self.assertTrue(c.is_open())

    def test_touch(self):
        """Longer than its timeout in one's hands, because it is touched."""
        out = self.producer()
        c = self.consumer("touch", "a", rdy=1, msg_timeout=1000)
        other = self.consumer("touch", "a", rdy=0)
        out.pub("touch", "x")
        m, end = c.message(), time.monotonic() + 2.5
        other.rdy(1)
        while time.monotonic() < end:
            c.touch(m)
            self.assertIsNone(other.message(0.2), "it went to another in spite of TOUCH")
        c.fin(m)
        self.wait_channel("touch", "a", depth=0, in_flight_count=0, timeout_count=0)
        self.assertTrue(c.is_open())

    def test_disconnect(self):
        """What a connection held is with the next one long before its timeout."""
        out, c = self.producer(), self.consumer("gone", "a", rdy=10)
        out.mpub("gone", [b"%d" % i for i in range(10)])
        held = c.take(10)
        c.fin(held[0])
        self.wait_channel("gone", "a", in_flight_count=9)
        c.close()
        other = self.consumer("gone", "a", rdy=10)
        again = other.take(9)
        self.assertEqual(sorted(m.body for m in again), sorted(m.body for m in held[1:]))
        self.assertEqual({m.attempts for m in again}, {2})


class Deferred(NsqCase):
    def test_not_before(self):
        out, c = self.producer(), self.consumer("defer", "a", rdy=10)
        began = time.monotonic()
        for ms in (900, 300, 600):
            out.dpub("defer", ms, str(ms))
        out.pub("defer", "now")
        self.assertEqual(c.message().body, b"now")
        for ms in (300, 600, 900):
            m = c.message()
            self.assertEqual(m.body, b"%d" % ms)
            self.assertGreaterEqual(time.monotonic() - began, ms / 1000 - 0.01)

    def test_is_counted(self):
        out, c = self.producer(), self.consumer("counted", "a", rdy=10)
        out.dpub("counted", 3000000, "x")
        self.wait_channel("counted", "a", deferred_count=1, depth=0)
        self.assertIsNone(c.message(QUIET))

    def test_each_channel(self):
        out = self.producer()
        two = [self.consumer("both", ch, rdy=1) for ch in "ab"]
        out.dpub("both", 300, "x")
        self.assertEqual([c.message().body for c in two], [b"x", b"x"])

    def test_kept_over_a_restart(self):
        broker = self.own_broker()
        self.consumer("keep", "a", rdy=0).pub("keep", "now")
        began = time.monotonic()
        self.producer().dpub("keep", 3000, "later")
        broker.restart()
        c = self.consumer("keep", "a", rdy=5)
        self.assertEqual(c.message().body, b"now")
        m = c.message()
        self.assertEqual(m.body, b"later")
        self.assertGreaterEqual(time.monotonic() - began, 2.9)


class Admin(NsqCase):
    def waiting(self, topic, channel):
        """In hand, and waiting, deferred or not."""
        got = self.channel_stats(topic, channel)
        return got["in_flight_count"], got["depth"] + got["deferred_count"]

    def test_pause_a_channel(self):
        out, c, other = self.producer(), self.consumer("pc", "a", rdy=5), self.consumer("pc", "b", rdy=5)
        self.post("/channel/pause", topic="pc", channel="a")
        wait_until(lambda: self.channel_stats("pc", "a")["paused"], what="a pause")
        out.pub("pc", "x")
        self.assertEqual(other.message().body, b"x")
        self.assertIsNone(c.message(QUIET))
        self.post("/channel/unpause", topic="pc", channel="a")
        self.assertEqual(c.message().body, b"x")

    def test_pause_a_topic(self):
        out, c = self.producer(), self.consumer("pt", "a", rdy=5)
        self.post("/topic/pause", topic="pt")
        out.pub("pt", "x")
        self.assertIsNone(c.message(QUIET))
        self.assertEqual((self.topic_stats("pt")["paused"], self.topic_stats("pt")["depth"]), (True, 1))
        self.post("/topic/unpause", topic="pt")
        self.assertEqual(c.message().body, b"x")

    def test_empty_a_channel(self):
        out, c = self.producer(), self.consumer("ec", "a", rdy=1)
        out.mpub("ec", [b"1", b"2", b"3"])
        out.dpub("ec", 3000000, b"4")
        m = c.message()
        # a deferred one counts as waiting until the channel has come to it
        wait_until(lambda: self.waiting("ec", "a") == (1, 3), what="one in hand and three that wait")
        self.post("/channel/empty", topic="ec", channel="a")
        self.wait_channel("ec", "a", depth=0, in_flight_count=0, deferred_count=0)
        c.fin(m)
        self.assertRegex(c.error(), "^E_FIN_FAILED ")
        out.pub("ec", "new")
        self.assertEqual(c.message().body, b"new")

    def test_delete_a_channel(self):
        """Its subscribers are closed, its neighbour's and producers are not."""
        out, c, other = self.producer(), self.consumer("dc", "a", rdy=1), self.consumer("dc", "b", rdy=1)
        out.pub("dc", "x")
        self.post("/channel/delete", topic="dc", channel="a")
        c.message()
        self.assertEqual(c.ended(), [])
        self.assertEqual(other.message().body, b"x")
        self.assertTrue(out.is_open())
        self.assertIsNone(self.channel_stats("dc", "a"))

    def test_delete_a_topic(self):
        out, c = self.producer(), self.consumer("dt", "a", rdy=0)
        out.pub("dt", "x")
        self.post("/topic/delete", topic="dt")
        self.assertEqual(c.ended(), [])
        out.pub("dt", "y")
        c = self.consumer("dt", "a", rdy=5)
        self.assertEqual(c.message().body, b"y")
        self.assertIsNone(c.message(QUIET))


class Ephemeral(NsqCase):
    def test_a_channel_ends_with_its_last_consumer(self):
        out, c = self.producer(), self.consumer("e", "c#ephemeral", rdy=1)
        two = self.consumer("e", "c#ephemeral", rdy=0)
        out.pub("e", "1")
        self.assertEqual(c.message().body, b"1")
        c.close()
        two.rdy(1)
        self.assertEqual(two.message().body, b"1", "a consumer was left, so the channel was")
        two.close()
        wait_until(lambda: self.channel_stats("e", "c#ephemeral") is None, what="the channel to be gone")
        keeper = self.consumer("e", "keeper")
        out.pub("e", "2")
        c = self.consumer("e", "c#ephemeral", rdy=5)
        self.assertIsNone(c.message(QUIET))
        keeper.close()

    def test_a_topic_ends_with_its_last_channel(self):
        c = self.consumer("et#ephemeral", "c#ephemeral", rdy=1)
        c.pub("et#ephemeral", "1")
        self.assertEqual(c.message().body, b"1")
        c.close()
        wait_until(lambda: self.topic_stats("et#ephemeral") is None, what="the topic to be gone")

    def test_not_kept_over_a_restart(self):
        broker = self.own_broker()
        c = self.consumer("er", "c#ephemeral", rdy=0)
        c.pub("er", "1")
        broker.restart()
        self.assertIsNone(self.channel_stats("er", "c#ephemeral"))


class Sample(NsqCase):
    def test_sample_rate(self):
        """About as many as were asked for come; the others are not left in the channel."""
        out, c = self.producer(), self.consumer("sample", "a", rdy=2500, sample_rate=30)
        n = 4000
        for i in range(0, n, 200):
            out.mpub("sample", [b"%d" % k for k in range(i, i + 200)])
        crew = Crew([c])

        def done(_):
            got = self.channel_stats("sample", "a")
            return got["depth"] == 0 and got["in_flight_count"] == 0
        crew.work(done)
        crew.one(c)
        self.assertTrue(n * 0.2 < crew.total() < n * 0.42, f"{crew.total()} of {n} at a rate of 30")


class Layers(NsqCase):
    """TLS, snappy, deflate, alone and one over another."""
    TLS = True

    def exchange(self, tls=False, **wishes):
        context = trusting(self.cert) if tls else None
        topic = "layers-" + "-".join(sorted(wishes)) + ("-tls" if tls else "")
        out, c = self.client(), self.client()
        for one in (out, c):
            got = one.identify(tls=context, **wishes)
            for key in wishes:
                self.assertTrue(got[key], f"{key} was not agreed")
            self.assertEqual(got["tls_v1"], tls)
        c.sub(topic, "a", rdy=2000)
        rng = random.Random(7)
        bodies = [rng.randbytes(rng.choice((1, 50, 3000))) for _ in range(200)]
        bodies += [b"a" * 100000, rng.randbytes(100001), b"b"]
        for b in bodies[:50]:
            out.pub(topic, b)
        out.mpub(topic, bodies[50:])
        got = c.take(len(bodies))
        self.assertEqual(collections.Counter(m.body for m in got), collections.Counter(bodies))
        for m in got:
            c.fin(m)
        c.fin(got[0])
        self.assertRegex(c.error(), "^E_FIN_FAILED ")
        self.wait_channel(topic, "a", depth=0, in_flight_count=0)

    def test_plain(self):
        self.exchange()

    def test_snappy(self):
        self.exchange(snappy=True)

    def test_deflate(self):
        self.exchange(deflate=True, deflate_level=6)

    def test_tls(self):
        self.exchange(tls=True)

    def test_tls_and_snappy(self):
        self.exchange(tls=True, snappy=True)

    def test_tls_and_deflate(self):
        self.exchange(tls=True, deflate=True)


class Required(NsqCase):
    """A server that wants TLS."""
    TLS = True
    FLAGS = {"nsq_tls_required": True}

    def test_without_tls(self):
        c = self.client()
        c.command("PUB", "t", body=b"x")
        self.assertEqual(c.error(), "E_INVALID cannot PUB in current state (TLS required)")
        self.assertEqual(c.ended(), [])
        c = self.client()
        c.command("FOO")
        self.assertEqual(c.error(), "E_INVALID cannot FOO in current state (TLS required)")

    def test_with_tls(self):
        c = self.client()
        c.identify(tls=trusting(self.cert))
        c.pub("t", b"x")
        c.sub("t", "a", rdy=1)
        self.assertEqual(c.message().body, b"x")


if __name__ == "__main__":
    import unittest
    unittest.main()
