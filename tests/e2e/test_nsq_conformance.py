"""NSQ's TCP protocol at the edge, line by line: a test of each line of nsq_table.py, on connections of their own to
one broker, sent whole and, for the short ones, byte by byte."""
import json
import re
import unittest

from nsq_case import NsqCase
from nsq_client import ERROR, MESSAGE, RESPONSE, Closed
from nsq_table import COMMANDS, END, JSON, NEGOTIATED, STATES, VECTORS

SEMVER = r"\d+\.\d+\.\d+([-+].*)?"


class Conformance(NsqCase):
    def one_answer(self, want, got):
        kind, data = got
        self.assertNotEqual(kind, MESSAGE, data)
        if want == JSON:
            self.assertEqual(kind, RESPONSE, data)
            self.negotiated(json.loads(data))
            return
        self.assertEqual(kind, ERROR if want.lstrip("/").startswith("E_") else RESPONSE, data)
        text = data.decode(errors="replace")
        if want.startswith("/"):
            self.assertRegex(text, "^" + want[1:-1] + "$")
        else:
            self.assertEqual(text, want)

    def negotiated(self, answer):
        self.assertEqual(sorted(answer), sorted(NEGOTIATED))
        self.assertRegex(answer["version"], "^" + SEMVER + "$")
        self.assertEqual({**answer, "version": None}, NEGOTIATED)

    def answers(self, client, want):
        """The answers come in order, and then the connection is closed or still serves."""
        ends = want[-1:] == [END]
        for one in want[:-1] if ends else want:
            try:
                got = client.next()
            except Closed:
                self.fail(f"closed instead of {one!r}")
            self.assertIsNotNone(got, f"nothing came instead of {one!r}")
            self.one_answer(one, got)
        if ends:
            self.assertEqual(client.ended(), [])
        else:
            self.assertTrue(client.is_open(), "the connection is closed")

    def exchange(self, sent, want):
        client = self.client()
        try:
            client.send(sent)
        except OSError:
            pass  # it was closed before all had been sent
        self.answers(client, want)

    def test_magic(self):
        for magic in (b"  V1", b"  V3", b"GET "):
            with self.subTest(magic):
                client = self.client(magic=magic)
                self.answers(client, ["E_BAD_PROTOCOL", END])

    def test_message_frames(self):
        """A message has a time, attempts, an id of 16 and its bytes; the id is the same in each channel."""
        one, two, out = self.client(), self.client(), self.client()
        one.sub("frames", "a", rdy=1)
        two.sub("frames", "b", rdy=1)
        out.pub("frames", bytes(range(256)))
        a, b = one.message(), two.message()
        self.assertEqual((a.body, a.attempts, a.id, a.time_ns), (b.body, b.attempts, b.id, b.time_ns))
        self.assertEqual((a.body, a.attempts), (bytes(range(256)), 1))
        self.assertRegex(a.id, rb"^[0-9a-f]{16}$")
        self.assertGreater(a.time_ns, 1600000000 * 10**9)
        one.fin(a)
        one.fin(a)
        self.assertEqual(one.error(), f"E_FIN_FAILED FIN {a.id.decode()} failed ID not in flight")

    def test_not_the_owner(self):
        """What another connection of the channel holds is not ours to settle, and stays with it."""
        one, two = self.client(), self.client()
        one.sub("owner", "a", rdy=1)
        two.sub("owner", "a", rdy=0)
        one.pub("owner", "x")
        m = one.message()
        for command in (two.fin, two.req, two.touch):
            command(m)
            word = command.__name__.upper()
            self.assertRegex(two.error(), f"^E_{word}_FAILED {word} {m.id.decode()} failed "
                                          "(client does not own message|ID not in flight)$")
        one.touch(m)
        one.fin(m)
        self.assertTrue(one.is_open())
        self.assertTrue(two.is_open())

    def test_heartbeats(self):
        """They come, before IDENTIFY's interval and after it; who does not answer is closed."""
        client = self.client()
        client.identify(heartbeat_interval=1000)
        client.next(2.5)
        self.assertGreaterEqual(client.heartbeats, 1)
        self.assertTrue(client.is_open())
        client.answers_heartbeats = False
        self.assertEqual(client.ended(), [])
        self.assertGreaterEqual(client.heartbeats, 2)

    def test_negotiated_values(self):
        client = self.client()
        got = client.identify(msg_timeout=1234, sample_rate=12, output_buffer_size=64, output_buffer_timeout=25,
                              topology_region="eu", topology_zone="a")
        self.assertEqual((got["msg_timeout"], got["sample_rate"], got["output_buffer_size"],
                          got["output_buffer_timeout"]), (1234, 12, 64, 25))
        got = self.client().identify(deflate=True, deflate_level=9)
        self.assertEqual((got["deflate"], got["deflate_level"]), (True, 6))
        got = self.client().identify(deflate=True, deflate_level=1)
        self.assertEqual((got["deflate"], got["deflate_level"]), (True, 1))


def make_tests():
    def add(name, sent, want):
        def whole(self):
            self.exchange(sent, want)

        def bytewise(self):
            client = self.client()
            try:
                for i in range(len(sent)):
                    client.send(sent[i:i + 1])
            except OSError:
                pass
            self.answers(client, want)
        word = re.sub(r"\W+", "_", name).strip("_")
        for f, prefix in ((whole, "test_"), (bytewise, "test_bytewise_")):
            if f is bytewise and len(sent) > 300:
                continue
            f.__name__, f.__doc__ = prefix + word, name
            assert not hasattr(Conformance, f.__name__), f.__name__
            setattr(Conformance, f.__name__, f)

    for name, sent, want in VECTORS:
        add(name, sent, want)
    for name, sent, *columns in COMMANDS:
        for state, want in zip(STATES, columns):
            before, answers = STATES[state]
            add(f"in {state}: {name}", before + sent, answers + want)


make_tests()

if __name__ == "__main__":
    unittest.main()
