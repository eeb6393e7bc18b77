"""SIGTERM: mails on their way get their real answers, everybody else 421, and the exit status is 0."""
import signal

from harness import wait_until
from smtp_client import Gone, Wire
from smtp_jobs import mail_of
from smtp_rig import SmtpCase

SESSIONS = 50


def body(n):
    return b"Subject: %d\r\n\r\n" % n + b"%d\r\n" % n * 1000


class Drain(SmtpCase):
    def setUp(self):
        self.own = self.own_rig(grace="2s" if "grace" in self._testMethodName else "60s")

    def in_data(self, n):
        """A session in the middle of a mail: DATA, or BDAT where n is odd."""
        c, half = self.wire(self.own.smtp), body(n)[:1000]
        c.hello()
        c.envelope("q@localhost")
        if n % 2:
            c.send(b"BDAT %d\r\n" % len(half) + half)
            c.expect(250)
        else:
            c.send(b"DATA\r\n" + half)
            c.expect(354)
        return c

    def finish(self, c, n):
        rest = body(n)[1000:]
        c.send(b"BDAT %d LAST\r\n" % len(rest) + rest if n % 2 else rest + b".\r\n")

    def new_ones_are_turned_away(self):
        """That is how one sees that the drain has begun."""
        def look():
            try:
                with Wire(self.own.smtp) as c:
                    got = c.reply()
            except OSError:
                raise AssertionError("the listener is closed before the sessions are") from None
            return got.is_a("421 4.3.2")
        wait_until(look, what="new connections to be turned away")

    def begin(self):
        self.sessions = [self.in_data(n) for n in range(SESSIONS)]
        self.idle, self.between = self.wire(self.own.smtp), self.wire(self.own.smtp)
        self.idle.hello()
        self.between.hello()
        self.between.envelope("q@localhost")
        self.own.ingress.signal(signal.SIGTERM)
        self.new_ones_are_turned_away()

    def test_sessions_in_data(self):
        self.begin()
        got = self.idle.closed()
        self.assertEqual([(r.code, r.status) for r in got], [(421, "4.3.2")])
        self.between.send_as_far_as_it_goes(b"RCPT TO:<q@localhost>\r\n")
        self.assertEqual(self.between.closed()[-1].code, 421)
        ids = {}
        for n, c in enumerate(self.sessions):
            self.finish(c, n)
        for n, c in enumerate(self.sessions):
            ids[c.expect(250).ids()[0]] = n
            self.assertEqual([(r.code, r.status) for r in c.closed()], [(421, "4.3.2")])
        self.assertEqual(self.own.ingress.wait(), 0, self.own.tail())
        self.own.ingress.start()
        self.own.accepts()
        self.assertEqual({j.id: mail_of(j) for j in self.jobs("q", rig=self.own)},
                         {i: body(n) for i, n in ids.items()})
        self.own.stop()

    def test_a_second_one_is_immediate(self):
        self.begin()
        self.own.ingress.signal(signal.SIGTERM)
        self.ends_without_them()

    def test_when_the_grace_is_over(self):
        """They do not come to their end, so it ends without them."""
        self.begin()
        self.ends_without_them()

    def ends_without_them(self):
        self.assertEqual(self.own.ingress.wait(), 0, self.own.tail())
        for n, c in enumerate(self.sessions):
            try:
                self.finish(c, n)
            except Gone:
                pass
            self.assertNotIn(250, [r.code for r in c.closed()])
        self.own.ingress.start()
        self.own.accepts()
        self.assertEqual(self.jobs("q", rig=self.own), [])
        self.own.stop()


class DrainApart(Drain):
    APART = True


if __name__ == "__main__":
    import unittest
    unittest.main()
