"""Postfix relays into Sheaf, by SMTP and by LMTP, with the settings of docs/postfix.md: none of many mails is missing,
none comes twice. MAILS: how many by SMTP (5,000); a fifth of them by LMTP."""
import collections
import configparser
import os
import re
import unittest

from harness import ROOT, queue, wait_until
from smtp_client import Wire
from smtp_jobs import mail_of
from smtp_postfix import Postfix, run
from smtp_rig import SmtpCase

MAILS = int(os.environ.get("MAILS", "5000"))
DOMAIN = "jobs.example.org"


def settings(name):
    """Of docs/postfix.md, the block behind <!-- test: NAME -->, as {key: value}."""
    with open(os.path.join(ROOT, "docs/postfix.md")) as f:
        text = re.search(rf"<!-- test: {name} -->\n```ini\n(.*?)```", f.read(), re.S).group(1)
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str
    found.read_string(text if text.startswith("[") else "[smtp]\n" + text)
    return dict(found["smtp"])


class PostfixCase(SmtpCase):
    """sheafd as the page has it, on ports of its own; QUEUES, and a Postfix for each test."""
    QUEUES = ("thumbs", "other")
    TIMEOUT = 240

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("Postfix has to be started by root")
        if cls.OPTIONS == {}:
            cls.OPTIONS = {k: v for k, v in settings("sheaf").items() if k not in ("listen", "lmtp")}
        super().setUpClass()

    def postfix(self, *blocks, **more):
        main = {}
        for name in blocks:
            main |= settings(name)
        for ours, theirs in (("127.0.0.1:2525", self.rig.smtp), ("127.0.0.1:2526", self.rig.lmtp),
                             ("[127.0.0.1]:2525", "[127.0.0.1]:" + self.rig.smtp.rpartition(":")[2]),
                             ("[sheaf.example.org]:2525", "[localhost]:" + self.rig.smtp.rpartition(":")[2])):
            main = {k: v.replace(ours, theirs) for k, v in main.items()}
        p = Postfix(self.dir, main | more, name=f"postfix-{self._testMethodName}")
        self.addCleanup(p.kill)
        try:
            return p.start()
        except AssertionError:
            print(p.tail(), flush=True)
            raise

    def delivered(self, postfix):
        """Waits until all has left Postfix."""
        try:
            wait_until(lambda: postfix.left() == 0, 180, "Postfix's queue to be empty")
        except AssertionError:
            print(postfix.tail(), flush=True)
            raise


class Relay(PostfixCase):
    def many(self, postfix, count):
        done = run("smtp-source", "-s", 20, "-l", 1000, "-m", count, "-d", "-f", "source@client.test", "-t",
                   f"thumbs@{DOMAIN}", postfix.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.delivered(postfix)
        jobs = self.jobs("thumbs")
        again = {i: n for i, n in collections.Counter(j.headers["message_id"] for j in jobs).items() if n > 1}
        self.assertEqual(again, {}, "these came more than once")
        self.assertEqual(len(jobs), count)
        for j in jobs:
            self.assertEqual(j.headers["mail_from"], "source@client.test")

    def shapes(self, postfix):
        """Dots, bytes that are not ASCII, long lines, several queues, no sender."""
        bodies = [b".\r\n..\r\n\r\n.x\r\n", "Grüße\r\n".encode() * 3, b"x" * 900 + b"\r\n", b""]
        for n, body in enumerate(bodies):
            with Wire(postfix.address) as c:
                c.hello()
                c.mail([f"thumbs@{DOMAIN}", f"Other+priority=4@{DOMAIN}"],
                       b"Subject: %d\r\nMessage-ID: <%d@client.test>\r\n\r\n" % (n, n) + body,
                       sender="" if n == 3 else "a@client.test")
        self.delivered(postfix)
        for jobs in self.jobs("thumbs", "other"):
            found = {j.headers["message_id"]: (mail_of(j).partition(b"\r\n\r\n")[2], j.headers["mail_from"])
                     for j in jobs}
            self.assertEqual(found, {f"<{n}@client.test>": (b, "" if n == 3 else "a@client.test")
                                     for n, b in enumerate(bodies)})
            self.assertEqual(len(jobs), len(bodies))

    def test_smtp(self):
        postfix = self.postfix("smtp")
        self.shapes(postfix)
        self.many(postfix, MAILS)

    def test_lmtp(self):
        postfix = self.postfix("lmtp")
        self.shapes(postfix)
        self.many(postfix, MAILS // 5)

    def test_unknown_queues_are_refused_before(self):
        verify = settings("verify")
        name = "smtpd_recipient_restrictions"
        verify[name] = verify[name].replace("permit_mynetworks, ", "")
        postfix = self.postfix("smtp", mynetworks="192.0.2.0/24", address_verify_poll_delay="1s", **verify)
        with Wire(postfix.address) as c:
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            c.say(f"RCPT TO:<thumbs@{DOMAIN}>", 250)
            c.say(f"RCPT TO:<nobody@{DOMAIN}>", 550)
            c.data(b"Subject: x\r\n\r\nx\r\n")
        self.delivered(postfix)
        self.assertEqual(len(self.jobs("thumbs")), 1)

    def test_what_cannot_be_taken_comes_later(self):
        """Sheaf is away, then the queue is paused; Postfix keeps the mails."""
        rig = self.rig
        postfix = self.postfix("smtp", minimal_backoff_time="1s", maximal_backoff_time="2s", queue_run_delay="1s",
                               transport_retry_time="1s")
        rig.broker.stop()
        for n in range(20):
            with Wire(postfix.address) as c:
                c.hello()
                c.mail(f"thumbs@{DOMAIN}", b"Message-ID: <%d@client.test>\r\n\r\nx\r\n" % n)
        wait_until(lambda: postfix.left("deferred"), what="Postfix to have tried")
        rig.broker.start()
        rig.accepts()
        self.delivered(postfix)
        self.assertEqual(sorted(j.headers["message_id"] for j in self.jobs("thumbs")),
                         sorted(f"<{n}@client.test>" for n in range(20)))


class RelayTls(PostfixCase):
    """From another machine, as far as one can be had here: TLS is required, and the network has to be allowed."""
    TLS = True

    @classmethod
    def setUpClass(cls):
        cls.OPTIONS = {k: v for k, v in settings("sheaf-tls").items() if k not in ("listen", "tls-cert", "tls-key")}
        super().setUpClass()

    def test_it(self):
        postfix = self.postfix("tls", smtp_tls_CAfile=self.rig.cert, smtp_host_lookup="native")
        with Wire(postfix.address) as c:
            c.hello()
            c.mail(f"thumbs@{DOMAIN}", b"Subject: x\r\n\r\nx\r\n")
        wait_until(lambda: queue(self.rig.broker, "thumbs")["submitted"], what=f"the mail; {postfix.tail()}")
        self.delivered(postfix)
        job, = self.jobs("thumbs")
        self.assertIn("TLS", job.headers["tls"])


if __name__ == "__main__":
    unittest.main()
