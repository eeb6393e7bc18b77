"""nsq-load, the load generator: what it measures is what there was, and what is wrong it does not call well."""
import json
import socket
import subprocess

from harness import environment, program
from nsq_case import NsqCase


class Load(NsqCase):
    def load(self, *args, expect=0):
        done = subprocess.run([program("nsq-load"), *map(str, args)], capture_output=True, text=True, timeout=60,
                              env=environment())
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def json(self, mode, *args, expect=0):
        return json.loads(self.load(mode, "--json", *args, self.nsq, expect=expect).stdout)

    def test_publish_and_consume(self):
        n = 12345  # no multiple of the batch
        for channel in ("a", "b"):
            self.consumer("pc", channel).close()
        got = self.json("publish", "--topic", "pc", "--count", n, "--batch", 100, "--connections", 3)
        self.assertEqual((got["messages"], got["wrong"], got["unanswered"]), (n, 0, 0))
        got = self.json("consume", "--topic", "pc", "--channel", "a,b", "--count", n, "--connections", 2)
        self.assertEqual((got["messages"], got["missing"], got["again"], got["foreign"]), (2 * n, 0, 0, 0))
        self.wait_channel("pc", "a", depth=0, in_flight_count=0)

    def test_single_messages_at_a_rate(self):
        got = self.json("publish", "--topic", "rate", "--rate", 500, "--batch", 1, "--seconds", "1s")
        self.assertTrue(0 < got["messages"] <= 600, got)
        self.json("consume", "--topic", "rate", "--count", got["messages"], "--rdy", 1)

    def test_latency(self):
        got = self.json("latency", "--topic", "late", "--seconds", "1s", "--rate", 200, "--rdy", 5)
        self.assertEqual((got["messages"], got["missing"]), (200, 0))
        self.assertGreater(got["received_p50_us"], 0)
        self.assertGreaterEqual(got["received_most_us"], got["received_p50_us"])

    def test_crowd(self):
        got = self.json("crowd", "--topic", "crowd", "--idle", 50, "--busy", 20, "--spread", 4, "--rate", 500,
                        "--batch", 10, "--rdy", 5, "--seconds", "2s")
        self.assertEqual((got["received"], got["starved"]), (4 * got["published"], 0))

    def test_what_is_wrong_is_said(self):
        self.json("publish", "--topic", "twice", "--count", 100, "--batch", 10)
        self.json("publish", "--topic", "twice", "--count", 100, "--batch", 10)
        self.json("publish", "--topic", "twice", "--count", 10, "--batch", 10, "--tag", 7)
        got = self.json("consume", "--topic", "twice", "--count", 101, "--patience", "1s", expect=1)
        self.assertEqual((got["missing"], got["again"], got["foreign"]), (1, 100, 10))

    def test_statuses(self):
        self.assertIn("there is no mode", self.load("nothing", self.nsq, expect=2).stderr)
        self.assertIn("--size", self.load("publish", "--size", 3, self.nsq, expect=2).stderr)
        self.assertIn("no address", self.load("publish", "nowhere", expect=2).stderr)
        self.load("publish", "--bogus", self.nsq, expect=2)
        self.assertIn("usage", self.load("--help").stdout)
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        self.assertIn("nothing answers", self.load("publish", f"127.0.0.1:{port}", expect=3).stderr)
        refused = self.load("consume", "--rdy", 1000000, "--seconds", "5s", self.nsq, expect=1).stderr
        self.assertIn("E_INVALID RDY count", refused)


if __name__ == "__main__":
    import unittest
    unittest.main()
