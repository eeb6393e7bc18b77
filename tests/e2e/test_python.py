"""The client and the worker in Python, written from proto/PROTOCOL.md, against the real programs: so the page is
tested, and so is whatever the C code on both sides might be wrong about in the same way."""
import json
import threading
import unittest

try:
    import sheaf_client
    MISSING = None
except ImportError as e:  # python3-zmq and python3-msgpack are Debian's
    MISSING = str(e)
from harness import Case, queue, wait_until


@unittest.skipIf(MISSING, MISSING)
class Python(Case):
    def client(self, broker):
        client = sheaf_client.Client(broker.url)
        self.addCleanup(client.close)
        return client

    def work(self, broker, jobs, function):
        """Runs a Python worker beside the test; returns what to call to see it end well."""
        trouble = []

        def run():
            try:
                url = f"tcp://127.0.0.1:{broker.ports['workers']}"
                sheaf_client.Worker(url, ["q"], function).run(jobs)
            except Exception as e:
                trouble.append(e)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def ended():
            thread.join(60)
            self.assertFalse(thread.is_alive(), "the worker ends")
            self.assertEqual(trouble, [])
        return ended

    def test_python_submits_and_c_works(self):
        broker = self.broker()
        self.worker(broker, "q", "--builtin", "echo")
        client = self.client(broker)
        self.assertTrue(client.welcome.software.startswith(b"sheafd "))
        payloads = [bytes([i % 256]) * (i % 300) for i in range(1000)] + [b"x" * 100000]
        ids = client.submit("q", payloads, headers=b"Subject=greetings\0")
        results = client.wait(ids)
        self.assertEqual([results[i].result for i in ids], payloads)
        self.assertEqual({(r.state, r.attempt, r.exit, r.gone) for r in results.values()},
                         {(sheaf_client.DONE, 1, 0, 0)})
        self.assertEqual(client.ping(), len(payloads))
        again = self.client(broker).wait(list(ids)[:3])  # kept, for whoever asks
        self.assertEqual([r.result for r in again.values()], payloads[:3])

    def test_c_submits_and_python_works(self):
        broker = self.broker()
        ended = self.work(broker, 1, lambda payload: payload.upper() + b"\0\xff")
        done = self.expect(0, broker, "run", "q", "hello", text=False, input=b"")
        self.assertEqual(done.stdout, b"HELLO\0\xff")
        ended()
        wait_until(lambda: queue(broker, "q")["done"] == 1)

    def test_progress_is_shown(self):
        broker, go_on = self.broker(), threading.Event()
        self.addCleanup(go_on.set)
        ended = self.work(broker, 1, lambda payload: b"" if go_on.wait(60) else b"nobody asked")
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()

        def shown():
            info = json.loads(self.expect(0, broker, "job", job, "--json").stdout)
            return (info.get("percent"), info.get("progress")) == (0, "begun")
        wait_until(shown)
        self.assertRegex(self.expect(0, broker, "job", job).stdout, r"(?m)^progress +0 %, begun$")
        go_on.set()
        ended()

    def test_c_maps_over_a_python_worker(self):
        broker = self.broker()
        ended = self.work(broker, 200, bytes.upper)
        done = self.expect(0, broker, "map", "q", "--ordered", input="".join(f"line {i}\n" for i in range(200)))
        self.assertEqual(done.stdout, "".join(f"LINE {i}\n" for i in range(200)))
        ended()

    def test_python_on_both_sides(self):
        broker = self.broker()

        def picky(payload):
            if payload == b"bad":
                raise ValueError("no good")
            return payload[::-1]
        ended = self.work(broker, 3, picky)
        client = self.client(broker)
        good, bad, last = client.submit("q", [b"abc", b"bad", b""])
        results = client.wait([good, bad, last])
        self.assertEqual((results[good].result, results[last].result), (b"cba", b""))
        self.assertEqual((results[bad].state, results[bad].exit), (6, 1))
        self.assertIn(b"no good", results[bad].error)
        ended()

    def test_refusals_name_the_rule(self):
        client = self.client(self.broker())
        for error, submit in ((4, ("Q!", [b""])), (5, ("q", [b""], 10)), (5, ("q", [b""], 4, 201)), (5, ("q", []))):
            with self.assertRaises(sheaf_client.Refused) as refused:
                client.submit(*submit)
            self.assertEqual(refused.exception.args[0], error)
        ids = client.submit("q", [b"x"])  # and the session goes on
        self.assertEqual(len(ids), 1)


if __name__ == "__main__":
    unittest.main()
