"""Topics and channels over Sheaf's own protocol: what each channel gets, and what becomes of it."""
import time
import unittest

try:
    import topic_client as T
    MISSING = None
except ImportError as e:  # python3-zmq and python3-msgpack are Debian's
    MISSING = str(e)
from harness import Case, wait_until


@unittest.skipIf(MISSING, MISSING)
class Topics(Case):
    def client(self, broker):
        client = T.Topics(broker.url)
        self.addCleanup(client.close)
        return client

    def row(self, client, topic, channel=""):
        return client.topics(topic)[topic, channel]

    def wait_row(self, client, topic, channel, condition):
        return wait_until(lambda: condition(self.row(client, topic, channel)), what=f"the row of {topic} {channel}")

    def test_each_channel_gets_each_message(self):
        broker = self.broker()
        client = self.client(broker)
        subs = [client.subscribe("news", f"c{i}", ready=1000) for i in range(3)]
        bodies = [b"%d" % i * (i % 50 + 1) for i in range(1000)]
        first = client.publish("news", bodies[:700])
        for body in bodies[700:800]:
            client.publish("news", [body])
        client.publish("news", bodies[800:])
        got = {s: [] for s in subs}
        for m in client.messages(3 * len(bodies)):
            got[m.sub].append(m)
            client.finish(m)
        for s in subs:
            self.assertEqual([m.body for m in got[s]], bodies)
            self.assertEqual({m.attempts for m in got[s]}, {1})
            self.assertEqual(len({m.id for m in got[s]}), len(bodies))
            self.assertEqual(got[s][0].id, first)
            self.assertLess(abs(got[s][0].time_ns / 1e9 - time.time()), 600)
            self.assertEqual([m.id for m in got[s]], [m.id for m in got[subs[0]]], "an id is the same everywhere")
        for s in subs:
            client.unsubscribe(s)
        for i in range(3):
            row = self.row(client, "news", f"c{i}")
            self.assertEqual((row.depth, row.in_hand, row.deferred, row.messages, row.consumers), (0, 0, 0, 1000, 0))
        row = self.wait_row(client, "news", "", lambda r: r.kept == 0 and r)
        self.assertEqual((row.messages, row.bytes, row.depth), (1000, sum(map(len, bodies)), 0))

    def test_the_first_channel_gets_what_waited(self):
        broker = self.broker()
        client = self.client(broker)
        client.publish("t", [b"a", b"b"])
        self.assertEqual(self.row(client, "t").depth, 2)
        client.subscribe("t", "first", ready=10)
        self.assertEqual([m.body for m in client.messages(2)], [b"a", b"b"])
        second = client.subscribe("t", "second", ready=10)
        self.assertEqual([m for m in client.quiet() if m.sub == second], [])
        client.publish("t", [b"c"])
        self.assertEqual(sorted(m.sub for m in client.messages(2)), [1, 2])

    def test_ready_is_a_ceiling_and_the_window_too(self):
        broker = self.broker()
        client = self.client(broker)
        sub = client.subscribe("t", "c", ready=3)
        client.publish("t", [b"%03d" % i for i in range(100)])
        three = list(client.messages(3))
        self.assertEqual(client.quiet(), [])
        client.finish(three[0])
        more, = client.messages(1)
        self.assertEqual((more.body, client.quiet()), (b"003", []))
        client.credit(sub, 0)
        client.finish(*three[1:], more)
        self.assertEqual(client.quiet(), [])
        client.credit(sub, 100, 0)
        self.assertEqual(client.quiet(), [], "nothing beyond the window")
        client.credit(sub, 100)
        self.assertEqual([m.body for m in client.messages(96)], [b"%03d" % i for i in range(4, 100)])

    def test_requeue_attempts_delay_and_touch(self):
        broker = self.broker()
        client = self.client(broker)
        client.subscribe("t", "c", 1000, ready=10)
        client.publish("t", [b"a"])
        m, = client.messages(1)
        client.requeue(m)
        m, = client.messages(1)
        self.assertEqual((m.body, m.attempts), (b"a", 2))
        began = time.monotonic()
        client.requeue(m, delay_ms=300)
        m, = client.messages(1)
        self.assertEqual(m.attempts, 3)
        self.assertGreaterEqual(time.monotonic() - began, 0.29)
        for _ in range(4):  # together longer than its timeout
            time.sleep(0.4)
            client.touch(m)
        self.assertEqual((client.quiet(), client.gone), ([], []))
        gone = client.taken_back()
        self.assertEqual((gone.why, gone.run, gone.token), (T.TIMEOUT, m.run, m.token))
        client.finish(m)
        self.assertEqual(client.taken_back().why, T.STALE)
        again, = client.messages(1)
        self.assertEqual((again.body, again.attempts), (b"a", 4))
        client.finish(again)
        client.quiet()
        row = self.row(client, "t", "c")
        self.assertEqual((row.requeued, row.timed_out, row.in_hand, row.depth), (2, 1, 0, 0))

    def test_what_a_consumer_holds_goes_back_when_it_leaves(self):
        broker = self.broker()
        one, two = self.client(broker), self.client(broker)
        sub = one.subscribe("t", "c", ready=10)
        one.publish("t", [b"a", b"b", b"c"])
        a, b, c = one.messages(3)
        one.finish(b)
        one.unsubscribe(sub)
        two.subscribe("t", "c", ready=10)
        self.assertEqual(sorted(m.body for m in two.messages(2)), [b"a", b"c"])
        one.finish(a)
        self.assertEqual(one.taken_back().why, T.STALE)
        self.assertEqual(two.quiet(), [])

    def test_consumers_share_a_channel(self):
        broker = self.broker()
        clients = [self.client(broker) for _ in range(4)]
        for c in clients:
            c.subscribe("t", "c", ready=5)
        clients[0].publish("t", [b"%d" % i for i in range(20)])
        got = [m.body for c in clients for m in c.messages(5)]
        self.assertEqual(sorted(got, key=int), [b"%d" % i for i in range(20)])

    def test_pause_empty_and_delete(self):
        broker = self.broker()
        client = self.client(broker)
        sub = client.subscribe("t", "c", ready=10)
        client.op(T.PAUSE, "t", "c")
        client.publish("t", [b"a"])
        self.assertEqual(client.quiet(), [])
        client.op(T.RESUME, "t", "c")
        a, = client.messages(1)
        client.op(T.PAUSE, "t")
        client.publish("t", [b"b", b"c"])
        self.assertEqual((client.quiet(), self.row(client, "t").depth), ([], 2))
        broker.kill()  # both pauses survive this
        broker.start()
        client = self.client(broker)
        sub = client.subscribe("t", "c", ready=10)
        self.assertEqual([m.body for m in client.messages(1)], [b"a"])
        self.assertEqual(self.row(client, "t").flags & 1, 1)
        client.op(T.EMPTY, "t")
        client.op(T.RESUME, "t")
        client.publish("t", [b"d"])
        d, = client.messages(1)
        self.assertEqual(d.body, b"d")
        client.op(T.EMPTY, "t", "c")
        self.assertEqual({g.why for g in (client.taken_back(), client.taken_back())}, {T.EMPTIED})
        client.finish(d)
        self.assertEqual(client.taken_back().why, T.STALE)
        client.op(T.DELETE, "t", "c")
        over = client.taken_back()
        self.assertEqual((over.sub, over.run, over.why), (sub, 0, T.DELETED))
        self.assertEqual(set(client.topics()), {("t", "")})
        client.op(T.DELETE, "t")
        self.assertEqual(client.topics(), {})
        with self.assertRaises(T.Refused):
            client.op(T.DELETE, "t")

    def test_deferred_messages_keep_their_time_over_a_crash(self):
        broker = self.broker()
        client = self.client(broker)
        client.subscribe("t", "c", ready=10)
        due = time.time() + 1.5
        client.publish("t", [b"late"], defer_ms=1500)
        client.publish("t", [b"soon"])
        m, = client.messages(1)
        self.assertEqual(m.body, b"soon")
        client.requeue(m, delay_ms=1500)
        client.quiet()
        broker.kill()
        broker.start()
        client = self.client(broker)
        client.subscribe("t", "c", ready=10)
        got = {}
        for m in client.messages(2):
            got[m.body] = (time.time(), m.attempts)
        self.assertEqual({b: a for b, (_, a) in got.items()}, {b"late": 1, b"soon": 2})
        self.assertGreaterEqual(min(t for t, _ in got.values()), due - 0.02)

    def test_ephemeral_channels_end_with_their_consumer(self):
        broker = self.broker()
        one, two = self.client(broker), self.client(broker)
        sub = one.subscribe("t", "x#ephemeral", ready=10)
        two.publish("t", [b"a"])
        self.assertEqual([m.body for m in one.messages(1)], [b"a"])
        self.assertIn(("t", "x#ephemeral"), two.topics())
        one.unsubscribe(sub)
        self.assertEqual(set(two.topics()), {("t", "")})
        sub = one.subscribe("e#ephemeral", "c", ready=10)
        one.op(T.DELETE, "e#ephemeral", "c")
        self.assertEqual(set(two.topics()), {("t", "")})

    def test_ordered_channels_and_dead_letters(self):
        broker = self.broker()
        client = self.client(broker)
        client.op(T.CREATE, "t", "c")
        client.op(T.SET, "t", "c", 0, 4 | 8 | 16, 0, 0, 1, 3, "bad")
        client.subscribe("t", "c", ready=10)
        client.publish("t", [b"a", b"b", b"c"])
        for body, fate in ((b"a", T.FINISH), (b"b", T.REQUEUE), (b"b", T.REQUEUE), (b"b", T.REQUEUE), (b"c", T.FINISH)):
            m, = client.messages(1)
            self.assertEqual((m.body, client.quiet()), (body, []))
            client.settle(fate, m)
        dead = client.subscribe("bad", "look", ready=10)
        m, = client.messages(1)
        self.assertEqual((m.sub, m.body, m.attempts), (dead, b"b", 1))
        self.assertEqual(self.row(client, "t", "c").dead, 1)

    def test_since_and_retention(self):
        broker = self.broker()
        client = self.client(broker)
        client.op(T.CREATE, "t")
        client.op(T.SET, "t", "", 0, 1, 3600 * 1000)
        client.subscribe("t", "c", ready=100)
        client.publish("t", [b"a", b"b"])
        client.finish(*client.messages(2))
        time.sleep(0.05)
        between = int(time.time() * 1000)
        time.sleep(0.05)
        client.publish("t", [b"c"])
        client.finish(*client.messages(1))
        client.quiet()
        broker.restart()
        client = self.client(broker)
        client.subscribe("t", "all", 0, 0, 1, ready=100)
        self.assertEqual([m.body for m in client.messages(3)], [b"a", b"b", b"c"])
        late = client.subscribe("t", "late", 0, 0, between, ready=100)
        m, = client.messages(1)
        self.assertEqual((m.sub, m.body), (late, b"c"))
        client.op(T.SET, "t", "", 0, 1, 0)
        for c in "all", "late":
            client.op(T.DELETE, "t", c)
        self.wait_row(client, "t", "", lambda r: r.kept == 0 and r)

    def test_bad_publishes_are_refused(self):
        broker = self.broker()
        client = self.client(broker)
        with self.assertRaises(T.Refused):
            client.publish("no good", [b"x"])
        with self.assertRaises(T.Refused):
            client.publish("t", [b""])
        with self.assertRaises(T.Refused):
            client.ask(T.PUBLISH, "t", 0, 0, 2, T.pack([b"one"]))
        with self.assertRaises(T.Refused):
            client.ask(T.PUBLISH, "t", 0, 0, 1, T.pack([b"one", b"two"]))
        with self.assertRaises(T.Refused):
            client.publish("t", [b"x" * (2 << 20)])
        self.assertEqual(client.topics(), {})
        client.publish("t", [b"x" * (1 << 20)])

    def test_a_publish_to_jobs_queue_is_a_submit(self):
        broker = self.broker()
        self.worker(broker, "q", "--builtin", "echo")
        client = self.client(broker)
        first = client.publish("jobs.q", [b"one", b"two"])
        self.assertEqual({r.result for r in client.wait([first, first + 1]).values()}, {b"one", b"two"})
        with self.assertRaises(T.Refused):
            client.subscribe("jobs.q", "c")
