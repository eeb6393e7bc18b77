"""Connections that are up to no good, or up to nothing: oversize, cut short, slow, garbage, never reading, never
answering. Each ends as it should, and others are not touched: a pair of connections that were there before goes on
publishing and receiving."""
import os
import random
import socket
import struct
import time

from harness import wait_until
from nsq_case import NsqCase
from nsq_client import Closed, Deflate, NsqClient, Refused, Snappy, i32, mpub_body, sized
from snappy_frames import snappy_write

SEED = int(os.environ.get("SEED", str(int(time.time()))))


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


class Hostile(NsqCase):
    TLS = True
    FLAGS = {"memory": "64M"}

    def setUp(self):
        self.rng = random.Random(SEED)
        self.out, self.inn = self.producer(), self.consumer("witness", "a", rdy=10)
        self.said = 0

    def witness(self, times=3):
        """The pair still works."""
        for _ in range(times):
            self.said += 1
            self.out.pub("witness", f"{os.getpid()}-{self.id()}-{self.said}")
            m = self.inn.message()
            self.assertTrue(m.body.endswith(f"-{self.said}".encode()), m)
            self.inn.fin(m)

    def tearDown(self):
        self.witness()

    def raw(self, data, magic=b"  V2"):
        c = self.client(magic=magic)
        try:
            c.send(data)
        except OSError:
            pass
        return c

    # --- sizes ---

    def test_huge_claims(self):
        for claim in (b"PUB t\n" + i32(0x7fffffff), b"MPUB t\n" + i32(0x7fffffff), b"IDENTIFY\n" + i32(0x7fffffff),
                      b"DPUB t 1\n" + i32(0x7fffffff), b"AUTH\n" + i32(0x7fffffff), b"PUB t\n" + i32(-0x80000000),
                      b"MPUB t\n" + i32(1000) + i32(0x7fffffff), b"MPUB t\n" + i32(1000) + i32(1) + i32(0x7fffffff)):
            with self.subTest(claim):
                c = self.raw(claim)
                self.assertRegex(c.error(), "^E_BAD_")
                self.assertEqual(c.ended(), [])
                self.witness(1)

    def test_a_line_without_end(self):
        c = self.client()
        try:
            for _ in range(1000):
                c.send(b"y" * 1024)
        except OSError:
            pass
        self.assertEqual(c.ended(), [])

    def test_many_messages_in_little_space(self):
        """A batch of the most messages there may be: each of one byte."""
        c = self.client()
        c.sub("tiny", "a", rdy=0)
        c.send(b"MPUB tiny\n" + mpub_body([b"x"] * 200000))
        c.ok()
        self.wait_channel("tiny", "a", depth=200000)
        self.post("/topic/delete", topic="tiny")

    # --- cut short ---

    def test_cut_short(self):
        """A connection that ends in the middle of a command has not published."""
        whole = b"MPUB cut\n" + mpub_body([b"a" * 100, b"b" * 100])
        keeper = self.consumer("cut", "a", rdy=0)
        for n in sorted(self.rng.sample(range(1, len(whole)), 40)):
            c = self.raw(whole[:n])
            if self.rng.random() < 0.5:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ends with a reset
            c.close()
        self.witness()
        self.wait_channel("cut", "a", depth=0, message_count=0)
        keeper.close()

    def test_half_closed(self):
        """What was sent before the client shut its side down is still answered."""
        c = self.raw(b"PUB half\n" + sized(b"x"))
        c.sock.shutdown(socket.SHUT_WR)
        c.ok()
        self.assertEqual(c.ended(), [])

    def test_connections_that_come_and_go(self):
        for i in range(300):
            s = socket.create_connection(tuple(self.nsq.split(":")), timeout=30)
            if i % 3:
                s.send(b"  V2" if i % 3 == 1 else b"  ")
            s.close()
        self.witness()

    # --- slow ---

    def test_slow(self):
        """Byte by byte, within its time, is well; nothing for twice the heartbeat's interval is not."""
        slow = self.client()
        slow.identify(heartbeat_interval=1000)
        for b in b"PUB slow\n" + sized(b"0123456789"):
            slow.send(bytes([b]))
            time.sleep(0.02)
        slow.ok()
        slow.answers_heartbeats = False
        slow.send(b"PUB slow\n" + i32(1000) + b"and then nothing")
        self.witness()
        self.assertEqual(slow.ended(), [])

    # --- garbage ---

    def test_garbage(self):
        for i in range(150):
            junk = self.rng.randbytes(self.rng.randrange(1, 3000))
            if i % 2:
                words = [b"PUB", b"MPUB", b"SUB", b"RDY", b"FIN", b"REQ", b"IDENTIFY", b"t", b"c", b" ", b"\n", b"\r\n",
                         i32(5), i32(-1), b"{}", b"#ephemeral", b"0", b"65536", b"\0", b"NOP\n", b"CLS\n"]
                junk = b"".join(self.rng.choice(words) + self.rng.choice((b"", b" ", b"\n")) for _ in range(40))
            c = self.raw(junk, magic=b"  V2" if i % 5 else None)
            c.close()
            if i % 25 == 0:
                self.witness(1)

    def test_http_at_the_wrong_door(self):
        c = self.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", magic=None)
        self.assertEqual(c.error(), "E_BAD_PROTOCOL")
        self.assertEqual(c.ended(), [])

    # --- layers ---

    def agreed(self, **wishes):
        """A connection where layers are agreed on, and the server waits for them."""
        c = self.client()
        wishes = {"feature_negotiation": True, **wishes}
        c.command("IDENTIFY", body=str(wishes).replace("'", '"').replace("True", "true").encode())
        c.response()
        return c

    def test_garbage_instead_of_tls(self):
        c = self.agreed(tls_v1=True)
        c.send(b"PUB t\n" + sized(b"x" * 1000))
        with self.assertRaises((Closed, AssertionError)):
            while True:
                c.frame(20)  # an alert of TLS is no frame
        self.witness()

    def test_nothing_instead_of_tls(self):
        """A handshake has five seconds."""
        c = self.agreed(tls_v1=True)
        wait_until(lambda: c.sock.recv(4096) == b"", 30, "the server to give the handshake up")

    def test_garbage_in_a_layer(self):
        for name, layer, junk in (("snappy", Snappy, b"\x02\x04\x00\x00junk"),         # no kind of chunk
                                  ("snappy", Snappy, b"\x01\x08\x00\x00junkjunk"),     # a wrong checksum
                                  ("snappy", Snappy, b"\xff\x06\x00\x00SnApPy"),
                                  ("snappy", Snappy, b"\x01\xff\xff\xff"),             # 16 MiB
                                  ("deflate", Deflate, b"\x07" + b"junk" * 100)):       # no kind of block
            with self.subTest(name, junk=junk):
                c = self.agreed(**{name: True})
                c.put_on(layer(c.layer))
                c.layer.below.send(snappy_write(b"NOP\n", True) + junk if layer is Snappy else junk)
                c.ended()
                self.witness(1)

    def test_a_bomb(self):
        """What is small on the wire and large behind it costs no memory."""
        before = rss_mib(self.broker.pid)
        c = self.agreed(deflate=True)
        c.put_on(Deflate(c.layer))
        c.layer.send(b"PUB bomb\n" + i32(1 << 20))
        nothing = bytes(1 << 20)
        try:
            for _ in range(300):
                c.layer.send(nothing)
        except OSError:
            pass
        self.witness()
        c.close()
        self.assertLess(rss_mib(self.broker.pid) - before, 150)

    # --- those that do not read, or do not answer ---

    def test_a_consumer_that_never_reads(self):
        """Its channel goes on with others, the broker keeps little for it, and what it held is not lost."""
        self.consumer("flood", "a", rdy=2500)  # and that is all that it does
        other = self.consumer("flood", "b", rdy=2500)
        before, bodies = rss_mib(self.broker.pid), 0
        for i in range(100):
            self.out.mpub("flood", [b"%d-" % i + b"x" * 20000] * 50)
            bodies += 50
            for m in other.take(50):
                other.fin(m)
        self.witness()
        self.assertLess(rss_mib(self.broker.pid) - before, 150, "MiB for 100 MB that one consumer does not read")
        helper = self.consumer("flood", "a", rdy=100)
        got = 0
        while got < 1000:  # of 5,000: the other may hold 2,500
            helper.fin(helper.message())
            got += 1

    def test_what_it_held_goes_to_others(self):
        lazy = self.consumer("lazy", "a", rdy=100)
        self.out.mpub("lazy", [b"%d" % i for i in range(100)])
        self.wait_channel("lazy", "a", in_flight_count=100)
        other = self.consumer("lazy", "a", rdy=200)
        lazy.close()
        self.assertEqual(sorted(int(m.body) for m in other.take(100)), list(range(100)))

    def test_a_producer_that_never_reads(self):
        """Its answers wait for it; nobody else does."""
        c = self.client()
        one, sent = b"PUB unread\n" + sized(b"y" * 10), 0
        c.sock.settimeout(1)
        try:
            while sent < 400000:
                c.send(one * 1000)
                sent += 1000
        except (TimeoutError, socket.timeout):
            pass
        self.witness()
        c.sock.settimeout(60)
        for _ in range(sent):
            c.ok()

    def test_a_consumer_that_never_answers(self):
        """Neither FIN nor heartbeats: it is closed, and another gets what it held."""
        dead = self.consumer("mute", "a", rdy=10, heartbeat_interval=1000)
        dead.answers_heartbeats = False
        self.out.mpub("mute", [b"%d" % i for i in range(5)])
        self.wait_channel("mute", "a", in_flight_count=5)
        other = self.consumer("mute", "a", rdy=10)
        self.assertEqual(sorted(m.body for m in other.take(5)), [b"%d" % i for i in range(5)])
        with self.assertRaises((Closed, Refused, OSError)):
            while True:
                if dead.message() is None:
                    self.fail("it is still open")

    def test_nobody_to_the_end(self):
        """A connection that is refused while it still sends gets its error all the same."""
        c = NsqClient(self.nsq)
        self.addCleanup(c.close)
        try:
            c.send(b"FOO\n" + b"x" * 3000000)
        except OSError:
            pass
        self.assertEqual(c.error(), "E_INVALID invalid command FOO")


if __name__ == "__main__":
    import unittest
    unittest.main()
