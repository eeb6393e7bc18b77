"""Clients that are slow, greedy or many; that talk out of turn under TLS, or guess passwords. They lose; others are
served; memory stays bounded. CROWD: how many slow connections (1,000 in CI, 5,000 by hand)."""
import base64
import os
import re
import resource
import select
import socket
import threading

from harness import wait_until
from smtp_client import Gone, Wire, stuffed
from smtp_jobs import mail_of
from smtp_rig import PASSWORD, USER, SmtpCase

CROWD = int(os.environ.get("CROWD", "1000"))
MIB = 1 << 20
HELLO = b"EHLO client.test\r\n"
ENVELOPE = b"MAIL FROM:<evil@client.test>\r\nRCPT TO:<q@localhost>\r\n"


def memory(pid):
    """The most that it had resident, in bytes."""
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) * 1024


def plain(user, password):
    return b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()) + b"\r\n"


class Memory(SmtpCase):
    """What is sent has no bound; what is kept of it has one."""

    def setUp(self):
        self.before = memory(self.rig.ingress.pid)

    def grown(self):
        return memory(self.rig.ingress.pid) - self.before

    def flood(self, c, chunk, most):
        sent = 0
        try:
            while sent < most:
                c.send(chunk)
                sent += len(chunk)
        except Gone:
            pass
        return sent

    def test_a_command_without_an_end(self):
        c = self.wire()
        c.expect(220)
        self.flood(c, b"A" * MIB, 1024 * MIB)
        self.assertEqual([(r.code, r.status) for r in c.closed()], [(500, "5.5.2")])
        self.assertLess(self.grown(), 32 * MIB)

    def test_a_mail_without_an_end(self):
        with self.wire() as c:
            c.hello()
            c.envelope("q@localhost")
            c.say("DATA", 354)
            self.flood(c, b"x" * MIB, 300 * MIB)
            c.send(b"\r\n.\r\n")
            c.expect("552 5.3.4")
            c.say("NOOP", 250)
        self.assertLess(self.grown(), 64 * MIB)
        self.assertEqual(self.jobs("q"), [])

    def test_10000_recipients(self):
        with self.wire() as c:
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            writer = threading.Thread(target=c.send, args=(b"RCPT TO:<q@localhost>\r\n" * 10000,))
            writer.start()
            codes = [c.reply() for _ in range(10000)]
            writer.join()
            self.assertTrue(all(r.is_a(250) for r in codes[:100]), codes[:100])
            self.assertTrue(all(r.is_a("452 4.5.3") for r in codes[100:]), codes[100:200])
            c.data(b"many\r\n")
        self.assertEqual([mail_of(j) for j in self.jobs("q")], [b"many\r\n"])
        self.assertLess(self.grown(), 32 * MIB)


class Slow(SmtpCase):
    """With short times: idle for 2 s, a mail within 4 s."""
    OPTIONS = {"idle": "2s", "data-time": "4s", "connections": str(CROWD + 100)}

    def test_a_chunk_that_does_not_come(self):
        with self.wire() as c:
            c.hello()
            c.envelope("q@localhost")
            c.send(b"BDAT 10 LAST\r\nabc")
            self.assertEqual([(r.code, r.status) for r in c.closed()], [(421, "4.4.2")])
        self.assertEqual(self.jobs("q"), [])

    def test_silence(self):
        quiet, in_data = self.wire(), self.wire()
        in_data.hello()
        in_data.envelope("q@localhost")
        in_data.send(b"DATA\r\nhalf a li")
        in_data.expect(354)
        for c in (quiet, in_data):
            self.assertEqual([r for r in c.closed() if r.code != 220][0].status, "4.4.2")
        self.assertEqual(self.jobs("q"), [])

    def test_a_mail_that_takes_for_ever(self):
        """A byte now and then is not idle, and still it ends."""
        with self.wire() as c:
            c.hello()
            c.envelope("q@localhost")
            c.say("DATA", 354)
            c.s.settimeout(0.5)
            self.assertRaises(Gone, self.drip, c)
        self.assertEqual(self.jobs("q"), [])

    def drip(self, c):
        for _ in range(600):
            try:
                c.send(b"x")
                got = c.reply()
                self.assertEqual((got.code, got.status), (421, "4.4.2"))
                raise Gone("told so")
            except TimeoutError:
                pass

    def test_who_never_reads(self):
        before = memory(self.rig.ingress.pid)
        with self.wire() as c:
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.s.setblocking(False)
            poll = select.poll()
            poll.register(c.s, select.POLLRDHUP)
            left = HELLO + b"NOOP\r\n" * 2000000
            def gone():
                nonlocal left
                try:
                    while left:
                        left = left[c.s.send(left[:MIB]):]
                except BlockingIOError:
                    pass
                except ConnectionError:
                    return True
                return any(e & (select.POLLERR | select.POLLHUP | select.POLLRDHUP) for _, e in poll.poll(0))
            wait_until(gone, what="the server to close")
            self.assertGreater(len(left), 4 * MIB)
        self.assertLess(memory(self.rig.ingress.pid) - before, 32 * MIB)

    def test_a_crowd(self):
        """Each sends a byte a second of a command that never ends."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        crowd = [self.wire() for _ in range(CROWD)]
        served, alive, poll = 0, {c.s.fileno(): c for c in crowd}, select.poll()
        for fd in alive:
            poll.register(fd, select.POLLRDHUP)
        def all_closed():
            nonlocal served
            for fd, _ in poll.poll(0):
                poll.unregister(fd)
                del alive[fd]
            for c in list(alive.values()):
                c.send_as_far_as_it_goes(b"N")
            with Wire(self.rig.smtp) as c:
                c.hello()
                c.mail("q@localhost", b"%d\r\n" % served)
                served += 1
            return not alive
        def slowly():
            poll.poll(1000)
            return all_closed()
        wait_until(slowly, what="the crowd to be closed")
        codes = {c.closed()[-1].status for c in crowd}
        self.assertLessEqual(codes, {"4.4.2", "4.3.2"})
        self.assertEqual([mail_of(j) for j in self.jobs("q")], [b"%d\r\n" % n for n in range(served)])


class Many(SmtpCase):
    """Bounds of connections."""
    OPTIONS = {"connections": "8", "per-address": "5"}

    def test_of_an_address(self):
        held = [self.wire(source="127.0.0.2") for _ in range(5)]
        for c in held:
            c.hello()
        with self.wire(source="127.0.0.2") as c:
            self.assertEqual([(r.code, r.status) for r in c.closed()], [(421, "4.7.0")])
        with self.wire(source="127.0.0.3") as c:
            c.hello()
        held[0].say("QUIT", 221)
        self.assertEqual(held[0].closed(), [])
        wait_until(lambda: self.greeted("127.0.0.2"), what="a place to be free")

    def test_in_all(self):
        held = [self.wire(source=f"127.0.1.{n}") for n in range(8)]
        for c in held:
            c.hello()
        with self.wire(source="127.0.1.9") as c:
            self.assertEqual([(r.code, r.status) for r in c.closed()], [(421, "4.3.2")])
        for c in held:
            c.close()
        wait_until(lambda: self.greeted("127.0.1.9"), what="a place to be free")

    def greeted(self, source):
        with Wire(self.rig.smtp, source=source) as c:
            return c.reply().code == 220


class Tls(SmtpCase):
    TLS = USERS = True
    TIMEOUT = 120

    def secured(self):
        c = self.wire()
        c.hello()
        c.say("STARTTLS", 220)
        c.start_tls(self.trust)
        return c

    def test_what_stands_behind_starttls_is_not_obeyed(self):
        c = self.wire()
        c.expect(220)
        c.send(HELLO + b"STARTTLS\r\nEHLO injected.test\r\n" + ENVELOPE)
        c.expect(250, 220)
        c.start_tls(self.trust)
        c.say("MAIL FROM:<a@client.test>", "503 5.5.1")
        c.capabilities()
        c.say("RCPT TO:<q@localhost>", "503 5.5.1")
        c.say("STARTTLS", (503, 502, 500))
        c.mail("q@localhost", b"x\r\n")
        job, = self.jobs("q")
        self.assertEqual(job.headers["helo"], "client.test")

    def test_what_was_said_before_tls_is_forgotten(self):
        c = self.wire()
        c.hello()
        c.envelope("q@localhost")
        c.send(b"STARTTLS\r\n")
        if c.reply().code == 220:
            c.start_tls(self.trust)
            c.say("DATA", "503 5.5.1")

    def broken_off(self, close_notify):
        c = self.secured()
        c.capabilities()
        c.envelope("q@localhost")
        c.send(b"BDAT 100 LAST\r\n0123456789")
        raw = socket.socket(fileno=os.dup(c.s.fileno()))
        self.addCleanup(raw.close)
        raw.settimeout(60)
        if close_notify:
            c.s.setblocking(False)
            try:
                c.s.unwrap()
            except OSError:
                pass
        try:
            raw.sendall(b"x" * 90 + HELLO + ENVELOPE + b"DATA\r\nsmuggled\r\n.\r\n")
            while raw.recv(65536):
                pass
        except ConnectionError:
            pass
        self.assertEqual(self.jobs("q"), [])

    def test_plain_text_within_tls(self):
        self.broken_off(close_notify=False)

    def test_plain_text_behind_the_end_of_tls(self):
        self.broken_off(close_notify=True)

    def test_auth_that_is_none(self):
        c = self.secured()
        c.capabilities()
        c.say(b"AUTH PLAIN " + b"A" * 13000, "500 5.5.6")
        c.say("AUTH PLAIN !!!", "501 5.5.2")
        c.say("AUTH CRAM-MD5", "504 5.5.4")
        c.say("AUTH LOGIN", 334)
        c.say("*", 501)
        c.say(plain(USER, PASSWORD).strip(), "235 2.7.0")
        c.say(plain(USER, PASSWORD).strip(), "503 5.5.1")

    def test_auth_needs_tls(self):
        c = self.wire()
        self.assertNotIn("AUTH", c.hello())
        c.say(plain(USER, PASSWORD).strip(), "538 5.7.11")

    def test_1000_passwords(self):
        """Beside them, another client is served."""
        c = self.secured()
        c.capabilities()
        c.send_as_far_as_it_goes(b"".join(plain(USER, f"guess {n}") for n in range(1000)))
        with self.wire() as other:
            other.hello()
            other.mail("q@localhost", b"x\r\n")
        self.assertEqual(len(self.jobs("q")), 1)
        got = [(r.code, r.status) for r in c.closed()]
        self.assertEqual(set(got[:-1]), {(535, "5.7.8")})
        self.assertEqual(got[-1], (421, "4.7.0"))
        self.assertLessEqual(len(got), 21)


class Early(SmtpCase):
    """Talking before the greeting, which comes behind the line of a proxy."""
    OPTIONS = {"proxy": "127.0.0.0/8"}
    PREAMBLE = b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 25\r\n"

    def closes(self, data):
        with self.wire() as c:
            c.send(data)
            return [(r.code, r.status) for r in c.closed()]

    def test_it(self):
        self.assertEqual(self.closes(self.PREAMBLE + HELLO + ENVELOPE), [(554, "5.5.1")])

    def test_no_proxy_line(self):
        for data in (HELLO, b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n", b"PROXY " + b"x" * 200, b"\r\n\r\n\0\r\nQUIT\nxxxx",
                     b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + b"x" * 70000):
            self.assertNotIn(220, [code for code, _ in self.closes(data)])

    def test_unknown_and_local(self):
        for line in (b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"):
            with self.wire() as c:
                c.send(line)
                c.hello()
                c.mail("q@localhost", b"x\r\n")
            self.assertEqual(len(self.jobs("q")), 1)


class Mime(SmtpCase):
    """Mails that are hard to read."""
    QUEUES = ("json", "body")
    SECTIONS = {"smtp.queue.json": {"payload": "json"}, "smtp.queue.body": {"payload": "body"}}

    def test_1000_deep(self):
        mail = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
                        for n in range(1000)) + b"\r\nx\r\n"
        with self.wire() as c:
            c.hello()
            c.mail(["json@localhost", "body@localhost"], mail)
        for job, in self.jobs("json", "body"):
            self.assertEqual(job.headers["mime"], "raw")
            self.assertTrue(job.payload.endswith(mail), job.payload[:200])


class Reset(SmtpCase):
    def test_reset_before_the_answer(self):
        """Each mail is whole, and there once at most."""
        mails = [b"%d\r\n" % n + b"x" * 100000 + b"\r\n" for n in range(30)]
        for m in mails:
            c = Wire(self.rig.smtp)
            c.hello()
            c.envelope("q@localhost")
            c.say("DATA", 354)
            c.send(stuffed(m))
            c.reset()
        with self.wire() as c:
            c.hello()
            c.mail("q@localhost", b"last\r\n")
        got = [mail_of(j) for j in self.jobs("q")]
        self.assertEqual(len(got), len(set(got)))
        self.assertLessEqual(set(got), {*mails, b"last\r\n"})
        self.assertIn(b"last\r\n", got)


if __name__ == "__main__":
    import unittest
    unittest.main()
