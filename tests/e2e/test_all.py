"""Jobs for several queues that are submitted together: SUBMIT_ALL, spoken by the client in Python."""
import json
import os
import unittest

from harness import Case, queue

try:
    import sheaf_client
except ImportError:
    sheaf_client = None


@unittest.skipIf(sheaf_client is None, "python3-msgpack or python3-zmq is not installed")
class All(Case):
    def client(self, broker):
        client = sheaf_client.Client(broker.url)
        self.addCleanup(client.close)
        return client

    def test_together_or_not_at_all(self):
        """All of it is there after a crash, the answer too; what is refused names the part, and leaves nothing."""
        broker = self.broker()
        client = self.client(broker)
        mail = os.urandom(100_000)
        parts = [{"queue": "a", "create": 1, "payload": mail, "headers": b"rcpt=a\0"},
                 {"queue": "b", "create": 1, "same": 1, "key": b"once"},
                 {"queue": "a", "same": 2, "create": 1, "priority": 9, "headers": b"rcpt=c\0"}]
        first = client.submit_all(parts)
        self.assertEqual(first, list(range(first[0], first[0] + 3)))
        with self.assertRaises(sheaf_client.Refused) as refused:
            client.submit_all([*parts, {"queue": "missing", "payload": b"x"}])
        self.assertEqual((refused.exception.args[0], refused.exception.value), (6, 4))
        repeat = client.submit_all(parts)
        self.assertEqual(repeat, [first[2] + 1, first[1], first[2] + 2])
        self.assertEqual([queue(broker, name)["submitted"] for name in "ab"], [4, 1])
        broker.kill()
        broker.start()
        again = sheaf_client.Client(broker.url)
        self.addCleanup(again.close)
        again.session = client.session
        again.send(again.socket, sheaf_client.CLIENT_HELLO, 0, 1, 1, 0, "python")
        again.receive(again.socket, sheaf_client.CLIENT_WELCOME)
        self.assertEqual(again.submit_all(parts, again=1), first)
        self.assertEqual(again.submit_all(parts, again=3), repeat)
        self.assertEqual([queue(broker, name)["submitted"] for name in "ab"], [4, 1])
        self.worker(broker, "a", "--builtin", "echo")
        self.worker(broker, "b", "--builtin", "echo")
        results = again.wait({*first, *repeat})
        self.assertEqual({results[i].result for i in results}, {mail})

    def test_large(self):
        """16 MiB for ten queues are in the journal once, and each worker gets all of them."""
        broker = self.broker()
        client = self.client(broker)
        mail = os.urandom(16 << 20)
        before = self.journal(broker)
        ids = client.submit_all([{"queue": "q0", "create": 1, "payload": mail},
                                 *({"queue": f"q{i}", "create": 1, "same": 1} for i in range(1, 10))])
        self.assertEqual(len(ids), 10)
        self.assertLess(self.journal(broker) - before, 20 << 20)
        self.worker(broker, "q9", "--builtin", "echo")
        self.assertEqual(client.wait([ids[9]])[ids[9]].result, mail)
        with self.assertRaises(sheaf_client.Refused) as refused:
            client.submit_all([{"queue": "q0", "payload": mail}, {"queue": "q0", "payload": b"x"}])
        self.assertEqual(refused.exception.args[0], 3)

    def journal(self, broker):
        """Bytes that the journal has written."""
        return json.loads(self.expect(0, broker, "stats", "--json").stdout)["journal.written"]
