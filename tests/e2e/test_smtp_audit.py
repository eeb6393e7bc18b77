"""Sentences of the mail ingress's rules that cross its parts, each tried over a socket: what is said, what it is
counted as, what becomes of the mail. As tables; a failure names its row."""
import base64
import datetime
import json
import os
import re
import signal
import time

from harness import Worker, queue, sheaf, wait_until
from smtp_client import Wire
from smtp_jobs import mail_of
from smtp_rig import PASSWORD, USER, SmtpCase

MAIL = b"MAIL FROM:<a@client.test>\r\n"
RCPT = b"RCPT TO:<q@localhost>\r\n"
BEGIN = MAIL + RCPT
TEXT = b"Subject: hello\r\n\r\nhello\r\n"
FAR = b"PROXY TCP4 198.51.100.9 127.0.0.1 4711 25\r\n"


def b64(text):
    return base64.b64encode(text.encode()).decode()


def chunk(data, last=False):
    return b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data


# name, how it begins (port, verb), what is sent in one write, the replies, the payloads of queue q then
TABLE = [
    ("BDAT 0 LAST alone", "smtp", BEGIN + chunk(b"", True), [250, 250, "250 2.0.0"], [b""]),
    ("BDAT, then BDAT 0 LAST", "smtp", BEGIN + chunk(TEXT) + chunk(b"", True), [250, 250, "250 2.0.0", 250], [TEXT]),
    ("a line end in two chunks", "smtp", BEGIN + chunk(b"ab\r") + chunk(b"\n", True), [250, 250, 250, 250],
     [b"ab\r\n"]),
    ("a CR that ends the last chunk", "smtp", BEGIN + chunk(b"ab\r", True) + b"NOOP\r\n", [250, 250, "550 5.5.2"], []),
    ("BDAT after a failed BDAT", "smtp",
     b"MAIL FROM:<a@client.test> SIZE=4\r\n" + RCPT + chunk(b"abcdef\r\n") + chunk(b"QUIT\r\n") + chunk(b"x", True)
     + BEGIN + chunk(TEXT, True),
     [250, 250, "552 5.3.4", "552 5.3.4", "552 5.3.4", 250, 250, 250], [TEXT]),
    ("RSET among chunks", "smtp", BEGIN + chunk(TEXT) + b"RSET\r\n" + chunk(b"QUIT\r\n", True) + BEGIN
     + chunk(TEXT, True), [250, 250, 250, "250 2.0.0", "503 5.5.1", 250, 250, 250], [TEXT]),
    ("EHLO among chunks", "smtp", BEGIN + chunk(TEXT) + b"EHLO again.test\r\nDATA\r\n",
     [250, 250, 250, "hello", "503 5.5.1"], []),
    ("MAIL, RCPT, DATA among chunks", "smtp", BEGIN + chunk(TEXT) + BEGIN + b"DATA\r\n" + chunk(b"", True),
     [250, 250, 250, "503 5.5.1", "503 5.5.1", "503 5.5.1", 250], [TEXT]),
    ("BDAT when no recipient was accepted", "smtp",
     MAIL + b"RCPT TO:<none@localhost>\r\n" + chunk(b"QUIT\r\n", True) + b"NOOP\r\n",
     [250, "550 5.1.1", "554 5.5.1", 250], []),
    ("BINARYMIME by BDAT", "smtp", b"MAIL FROM:<a@client.test> BODY=BINARYMIME\r\n" + RCPT + chunk(b"a\nb\rc\0.\r\n",
                                                                                                True),
     [250, 250, 250], [b"a\nb\rc\0.\r\n"]),
    ("BINARYMIME by DATA", "smtp", b"MAIL FROM:<a@client.test> BODY=BINARYMIME\r\n" + RCPT + b"DATA\r\nRSET\r\n",
     [250, 250, "503 5.5.1", 250], []),
    ("DATA is refused, its mail is behind it", "smtp",
     MAIL + b"RCPT TO:<none@localhost>\r\nDATA\r\nSubject: x\r\n.\r\n" + BEGIN + b"DATA\r\n" + TEXT + b".\r\n",
     [250, "550 5.1.1", "554 5.5.1", 500, 500, "503 5.5.1", 250, 354, 250], [TEXT]),
    ("a SIZE that is refused, the rest is behind it", "smtp",
     b"MAIL FROM:<a@client.test> SIZE=999999999\r\n" + RCPT + b"DATA\r\n" + BEGIN + b"DATA\r\n" + TEXT + b".\r\n",
     ["552 5.3.4", "503 5.5.1", "503 5.5.1", 250, 250, 354, 250], [TEXT]),
    ("a mail that is larger than it said, another behind it", "smtp",
     b"MAIL FROM:<a@client.test> SIZE=2\r\n" + RCPT + b"DATA\r\nabcdef\r\nRSET\r\n.\r\n" + BEGIN + b"DATA\r\n" + TEXT
     + b".\r\n", [250, 250, 354, "552 5.3.4", 250, 250, 354, 250], [TEXT]),
    ("RSET within a mail", "smtp", BEGIN + b"RSET\r\nDATA\r\nRSET\r\n", [250, 250, 250, "503 5.5.1", 250], []),
    ("all of our names", "smtp",
     MAIL + b"".join(b"RCPT TO:<%s>\r\n" % x for x in (
         b"Q@LocalHost", b"q@mail.test", b"q@[127.0.0.1]", b"q@Jobs.Example", b"postmaster@jobs.example", b"PostMaster",
         b"\"q\"@localhost", b"@relay.test:q@localhost")),
     [250] + [250] * 8, []),
    ("names that are not ours", "smtp",
     MAIL + b"".join(b"RCPT TO:<%s>\r\n" % x for x in (
         b"q@[127.0.0.9]", b"q@[IPv6:::1]", b"q@sub.jobs.example", b"postmaster@other.example")),
     [250] + ["550 5.7.1"] * 4, []),
    ("recipients that are none", "smtp",
     MAIL + b"RCPT TO:<>\r\nRCPT TO:<q>\r\nRCPT TO:q@localhost\r\nRCPT <q@localhost>\r\nRCPT\r\n",
     [250] + [501] * 5, []),
    ("options that are none", "smtp",
     MAIL + b"".join(b"RCPT TO:<q+%s@localhost>\r\n" % x for x in (
         b"priority=-1", b"priority=", b"delay=99999d", b"expires=0", b"expires=1", b"key=", b"priority",
         b"priority=1+priority=2", b"")),
     [250] + ["550 5.1.3"] * 9, []),
    ("extensions without EHLO", "helo", b"MAIL FROM:<a@client.test> SIZE=10\r\nMAIL FROM:<a@client.test> SMTPUTF8\r\n"
     b"MAIL FROM:<a@client.test> BODY=8BITMIME\r\n" + BEGIN + b"DATA\r\n" + TEXT + b".\r\n",
     ["555 5.5.4"] * 3 + [250, 250, 354, 250], [TEXT]),
    ("an address that is not ASCII", "smtp",
     "MAIL FROM:<jürgen@client.test>\r\n".encode() + MAIL + "RCPT TO:<q@müller.test>\r\n".encode()
     + b"RSET\r\n" + "MAIL FROM:<jürgen@client.test> SMTPUTF8\r\n".encode() + RCPT + b"DATA\r\n" + TEXT + b".\r\n",
     ["553 5.6.7", 250, "553 5.6.7", 250, 250, 250, 354, 250], [TEXT]),
    ("parameters", "smtp",
     b"MAIL FROM:<a@b> SMTPUTF8=1\r\nMAIL FROM:<a@b> RET=HDRS\r\nMAIL FROM:<a@b> SIZE=1 SIZE=1\r\n"
     b"MAIL FROM:<a@b> BODY=9BIT\r\nMAIL FROM:<a@b>SIZE=1\r\nMAIL FROM:<a@b> AUTH=<>\r\n" + MAIL
     + b"RCPT TO:<q@localhost> NOTIFY=NEVER\r\n",
     [501, "555 5.5.4", 501, 501, 501, "555 5.5.4", 250, "555 5.5.4"], []),
    ("small commands", "smtp",
     b"noop any thing\r\nRSET x\r\nVRFY q\r\nVRFY\r\nEXPN q\r\nHELP\r\nEHLO\r\nHELO a b\r\nLHLO client.test\r\n"
     b"QUIT x\r\nETRN q\r\n", [250, 501, "252", 501, "502 5.5.1", 214, 501, 501, "500 5.5.1", 501, "500 5.5.1"], []),
    ("TLS twice, AUTH at the wrong time", "tls",
     b"STARTTLS\r\nAUTH CRAM-MD5\r\nAUTH\r\nAUTH PLAIN =\r\nAUTH LOGIN\r\n*\r\n" + MAIL
     + b"AUTH PLAIN\r\nRSET\r\nAUTH PLAIN " + b64(f"\0{USER}\0{PASSWORD}").encode()
     + b"\r\nAUTH LOGIN\r\nMAIL FROM:<a@b> AUTH=<>\r\n",
     ["503 5.5.1", "504 5.5.4", 501, 501, 334, 501, 250, "503 5.5.1", 250, "235 2.7.0", "503 5.5.1", 250], []),
    ("AUTH in clear", "smtp", b"AUTH PLAIN " + b64(f"\0{USER}\0{PASSWORD}").encode() + b"\r\n", ["538 5.7.11"], []),
    ("AUTH before EHLO", "tls-early", b"AUTH PLAIN\r\nNOOP\r\n", ["503 5.5.1", 250], []),
    ("LMTP, some recipients", "lmtp",
     MAIL + b"RCPT TO:<none@localhost>\r\n" + RCPT + b"RCPT TO:<q@elsewhere.test>\r\nRCPT TO:<Q@localhost>\r\nDATA\r\n"
     + TEXT + b".\r\nNOOP\r\n", [250, "550 5.1.1", 250, "550 5.7.1", 250, 354, 250, 250, "250 2.0.0"], [TEXT]),
    ("LMTP, no recipient (RFC 2033, 4.2)", "lmtp",
     MAIL + b"RCPT TO:<none@localhost>\r\nDATA\r\n" + chunk(b"QUIT\r\n", True) + b"NOOP\r\n",
     [250, "550 5.1.1", "503 5.5.1", "503 5.5.1", 250], []),
    ("LMTP, chunks", "lmtp", BEGIN + RCPT + chunk(b"Subject: hello\r\n") + chunk(b"\r\nhello\r\n", True) + b"NOOP\r\n",
     [250, 250, 250, 250, 250, 250, 250], [TEXT]),
    ("LMTP, too large for each", "lmtp",
     b"MAIL FROM:<a@client.test> SIZE=2\r\n" + RCPT + RCPT + b"DATA\r\nabcdef\r\n.\r\nNOOP\r\n",
     [250, 250, 250, 354, "552 5.3.4", "552 5.3.4", 250], []),
    ("LMTP does not know EHLO", "lmtp", b"EHLO client.test\r\nHELO client.test\r\n", ["500 5.5.1", "500 5.5.1"], []),
    ("101 recipients", "smtp", MAIL + RCPT * 101 + b"DATA\r\n" + TEXT + b".\r\n",
     [250] + [250] * 100 + ["452 4.5.3", 354, 250], [TEXT]),
]


class Table(SmtpCase):
    TLS = USERS = True
    OPTIONS = {"domain": "jobs.example"}

    def begin(self, how):
        if how.startswith("tls"):
            c = self.wire(self.rig.tls, tls=self.trust)
            c.expect(220)
            if how == "tls":
                c.capabilities()
            return c
        c = self.wire(self.rig.lmtp if how == "lmtp" else self.rig.smtp)
        c.hello({"lmtp": "LHLO", "helo": "HELO"}.get(how, "EHLO"))
        return c

    def check(self, how, data, wants, mails):
        with self.begin(how) as c:
            c.send(data)
            for n, want in enumerate(wants):
                got = c.reply()
                if want == "hello":
                    self.assertEqual(got.code, 250)
                    continue
                self.assertTrue(got.is_a(want), f"reply {n + 1} is {got!r}, not {want}")
                self.assertTrue(got.status or got.code in (334, 354), f"no enhanced status: {got!r}")
                self.assertTrue(not got.status or got.status[0] == str(got.code)[0], got)
        self.assertEqual([mail_of(j) for j in self.jobs("q")], mails)


def add_rows():
    for n, (name, how, data, wants, mails) in enumerate(TABLE):
        def test(self, row=(how, data, wants, mails)):
            self.check(*row)
        setattr(Table, f"test_{n:02}_" + re.sub(r"\W+", "_", name), test)


add_rows()


# name, who comes, what is sent, how many replies, what is counted
COUNTED = [
    ("a mail for two queues", "here", BEGIN + b"RCPT TO:<r@localhost>\r\nDATA\r\n" + TEXT + b".\r\n", 5,
     {"mails": 1, "jobs": 2, "bytes": len(TEXT)}),
    ("a mail for a queue twice", "here", BEGIN + RCPT + b"DATA\r\n" + TEXT + b".\r\n", 5,
     {"mails": 1, "jobs": 1, "bytes": len(TEXT)}),
    ("no such queue", "here", MAIL + b"RCPT TO:<none@localhost>\r\nRSET\r\n", 3, {"refused_recipient": 1}),
    ("a foreign domain", "here", MAIL + b"RCPT TO:<q@elsewhere.test>\r\nRSET\r\n", 3, {"refused_recipient": 1}),
    ("an option", "here", MAIL + b"RCPT TO:<q+priority=11@localhost>\r\nRSET\r\n", 3, {"refused_recipient": 1}),
    ("a paused queue", "here", MAIL + b"RCPT TO:<paused@localhost>\r\nRSET\r\n", 3, {"refused_paused": 1}),
    ("a stranger", "far", MAIL + b"RCPT TO:<q@localhost>\r\nRSET\r\n", 3, {"refused_sender": 1}),
    ("postmaster, from a stranger", "far", MAIL + b"RCPT TO:<Postmaster>\r\nDATA\r\n" + TEXT + b".\r\n", 4,
     {"mails": 1, "jobs": 1, "bytes": len(TEXT)}),
    ("who has to authenticate", "far", MAIL + b"RCPT TO:<users@localhost>\r\nRSET\r\n", 3, {"refused_sender": 1}),
    ("a size that is declared", "here", b"MAIL FROM:<> SIZE=9999999999\r\n", 1, {"refused_size": 1}),
    ("a size that is not", "here", b"MAIL FROM:<> SIZE=1\r\n" + RCPT + b"DATA\r\nabc\r\n.\r\n", 4, {"refused_size": 1}),
    ("a size that is not, in chunks", "here", b"MAIL FROM:<> SIZE=1\r\n" + RCPT + chunk(b"abc\r\n") * 3
     + chunk(b"", True), 6, {"refused_size": 1}),
    ("hops", "here", BEGIN + b"DATA\r\n" + b"Received: x\r\n" * 51 + b"\r\n.\r\n", 4, {"refused_content": 1}),
    ("a bare LF", "here", BEGIN + b"DATA\r\na\nb\r\n.\r\n", 4, {"refused_content": 1}),
    ("an unknown command", "here", b"BLURB\r\n", 1, {"refused_command": 1}),
    ("the wrong order", "here", b"DATA\r\n", 1, {"refused_command": 1}),
    ("half a mail", "here", BEGIN + b"DATA\r\nabc", 3, {"aborted": 1}),
    ("no PROXY line", "proxy", b"EHLO x\r\n", 0, {"sessions": 0, "refused_connection": 1}),
]


class Counted(SmtpCase):
    QUEUES = ("q", "r", "paused", "users")
    TLS = USERS = True
    OPTIONS = {"proxy": "127.0.0.2/32"}
    SECTIONS = {"smtp.queue.users": {"users": USER}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        sheaf(cls.rig.broker, "queue", "paused", "pause")

    def stats(self):
        found = json.loads(sheaf(self.rig.broker, "stats", "--json").stdout)
        return {k[5:]: v for k, v in found.items() if k.startswith("smtp_")}

    def come(self, who):
        c = self.wire(source=None if who == "here" else "127.0.0.2")
        if who == "far":
            c.send(FAR)
        if who != "proxy":
            c.hello()
        return c

    def test_each(self):
        wait_until(lambda: self.stats()["sessions_now"] == 0, what="no session")
        for name, who, data, replies, counted in COUNTED:
            with self.subTest(name):
                before = self.stats()
                c = self.come(who)
                c.send(data)
                for _ in range(replies):
                    c.reply()
                if who == "proxy":
                    self.assertEqual(c.closed(), [])
                c.close()
                wants = {"sessions": 1} | counted
                def all_there():
                    now = self.stats()
                    return now if now["sessions_now"] == 0 and all(now[k] > before[k] for k, v in wants.items() if v) \
                        else None
                after = wait_until(all_there, what=f"{wants} to be counted of '{name}'")
                changed = {k: v - before[k] for k, v in after.items()
                           if v != before[k] and not k.startswith("accept_us")}
                self.assertEqual(changed, {k: v for k, v in wants.items() if v})
                self.assertEqual("mails" in wants, after["accept_us"] > before["accept_us"])

    def test_the_line_of_a_session(self):
        """One that comes from an address of its own: an address has one line in a while."""
        with self.wire(source="127.0.0.2") as c:
            c.send(FAR.replace(b"198.51.100.9", b"203.0.113.9"))
            c.hello()
            c.say("STARTTLS", 220)
            c.start_tls(self.trust)
            c.capabilities()
            c.say("AUTH PLAIN " + b64(f"\0{USER}\0{PASSWORD}"), 235)
            c.mail(["q@localhost", "r@localhost"], TEXT)
            c.say("MAIL FROM:<>", 250)
            c.say("RCPT TO:<none@localhost>", 550)
            c.say("QUIT", 221)
        line = self.rig.broker.wait_line(rf"^.*smtp-session .*user='{USER}'.*$").group(0)
        for word in ("peer=203.0.113.9", "helo=client.test", "tls='TLS1.", "mails=1", "refused=1",
                     f"bytes={len(TEXT) + 3}", "why=quit"):
            self.assertIn(word, line)
        self.assertRegex(line, r" us=[1-9]\d* ")


class Jobs(SmtpCase):
    """What the 250 names is what sheaf and handlers know."""
    TLS = USERS = True
    QUEUES = ("q", "run", "spooled")
    OPTIONS = {"proxy": "127.0.0.2/32", "spool-bytes": "8M", "size": "8M", "senders": "@friends.test"}

    def show(self, job):
        done = sheaf(self.rig.broker, "job", str(job), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_options_arrive(self):
        with self.wire() as c:
            c.hello()
            job, = c.mail("Q+Priority=8+delay=2h+expires=1d@localhost", TEXT).ids()
        shown = self.show(job)
        self.assertEqual((shown["id"], shown["queue"], shown["priority"], shown["state"]),
                         (str(job), "q", 8, "delayed"))
        when = {k: datetime.datetime.fromisoformat(shown[k]) for k in ("submitted", "due", "expires")}
        self.assertEqual([str(when[k] - when["submitted"]) for k in ("due", "expires")],
                         ["2:00:00", "1 day, 0:00:00"])

    def test_a_handler_sees_the_headers(self):
        worker = Worker(self.rig.broker, "run", "--", "sh", "-c", "env | grep ^SHEAF_H_; cat >/dev/null").start()
        self.addCleanup(worker.kill)
        with self.wire(self.rig.tls, tls=self.trust) as c:
            c.hello()
            c.say("AUTH PLAIN " + b64(f"\0{USER}\0{PASSWORD}"), 235)
            mail = b"Message-ID: <7@client.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n"
            job, = c.mail("run@localhost", mail, sender="a@client.test").ids()
        done = sheaf(self.rig.broker, "wait", str(job))
        self.assertEqual(done.returncode, 0, done.stderr)
        found = dict(x.split("=", 1) for x in sheaf(self.rig.broker, "result", str(job)).stdout.splitlines())
        found = {k[8:].lower(): v for k, v in found.items()}
        self.assertEqual([found.get(k) for k in ("mail_from", "rcpt", "helo", "auth_user", "message_id", "subject",
                                                 "size")],
                         ["a@client.test", "run@localhost", "client.test", USER, "<7@client.test>", "Grüße",
                          str(len(mail))])
        self.assertRegex(found["tls"], r"^TLS1\.\d \S+$")
        self.assertRegex(found["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(found["received_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertRegex(found["sha256"], r"^[0-9a-f]{64}$")
        worker.stop()

    def test_keys_and_job_headers_of_strangers(self):
        """A sender that is named under TLS may send; no more."""
        c = self.wire(source="127.0.0.2")
        c.send(FAR)
        c.hello()
        c.say("STARTTLS", 220)
        c.start_tls(self.trust)
        c.capabilities()
        job, = c.mail("q@localhost", b"X-Job-Priority: 9\r\nX-Job-Key: k\r\n\r\n", sender="any@friends.test").ids()
        other, = c.mail("q@localhost", b"X-Job-Priority: 9\r\nX-Job-Key: k\r\n\r\n", sender="any@friends.test").ids()
        self.assertNotEqual(job, other)
        self.assertEqual(self.show(job)["priority"], 4)
        c.mail("q+key=k@localhost", TEXT, "550 5.6.0", sender="any@friends.test")

    def test_the_bound_of_the_spool(self):
        """What does not fit is 452, and its room comes back."""
        def large(n):
            return (b"x" * 998 + b"\r\n") * (n // 1000)
        with self.wire() as c, self.wire() as other:
            c.hello()
            other.hello()
            other.envelope("spooled@localhost")
            other.say("DATA", 354)
            other.send(large(5000000))
            c.mail("spooled@localhost", large(5000000), "452 4.3.1")
            c.mail("spooled@localhost", TEXT)
            for _ in range(5):
                c.mail("spooled@localhost", large(1500000))
            other.send(b".\r\n")
            other.expect(250)
        self.assertEqual(os.listdir(self.rig.options["spool"]), [])
        self.assertEqual([len(mail_of(j)) for j in self.jobs("spooled")], [len(TEXT)] + [1500000] * 5 + [5000000])


class Required(SmtpCase):
    """Nothing without TLS, by SMTP and by LMTP."""
    TLS = USERS = True
    OPTIONS = {"tls-required": "yes"}

    def test_each_command(self):
        for address, hello in ((self.rig.smtp, "EHLO"), (self.rig.lmtp, "LHLO")):
            c = self.wire(address)
            self.assertNotIn("AUTH", c.hello(hello))
            for line in ("MAIL FROM:<>", "RCPT TO:<q@localhost>", "DATA", "AUTH PLAIN", "RSET", "VRFY q"):
                c.say(line, "530 5.7.0")
            c.say(chunk(b"NOOP\r\n", True)[:-2], "530 5.7.0")  # its bytes are not obeyed
            c.say("NOOP", 250)
            c.say("STARTTLS", 220)
            c.start_tls(self.trust)
            c.say("MAIL FROM:<>", "503 5.5.1")
            self.assertEqual(c.capabilities(hello)["AUTH"].split(), ["PLAIN", "LOGIN"])
            c.mail("q@localhost", TEXT)
        self.assertEqual([mail_of(j) for j in self.jobs("q")], [TEXT] * 2)


class Late(SmtpCase):
    """The broker does not answer in time, and the client sends again."""
    APART = True
    QUEUES = ("q", "once")
    OPTIONS = {"answer": "1s"}
    SECTIONS = {"smtp.queue.once": {"dedup": "yes"}}

    def again(self):
        def sent():
            with Wire(self.rig.smtp) as c:
                c.hello()
                c.say("MAIL FROM:<sender@client.test>", 250)
                c.send(b"RCPT TO:<once@localhost>\r\n")
                return c.reply().code == 250 and c.data(TEXT).ids()
        return wait_until(sent, what="the mail to be taken")

    def try_it(self, trouble):
        with self.wire() as c:
            c.hello()
            c.envelope("once@localhost")
            trouble()
            c.data(TEXT, "451 4.3.0")

    def test_a_broker_that_stands_still(self):
        """It may have the mail after all; with dedup it has it once."""
        self.try_it(lambda: self.rig.broker.signal(signal.SIGSTOP))
        self.rig.broker.signal(signal.SIGCONT)
        first = self.again()
        self.assertEqual(self.again(), first)
        self.assertEqual([j.id for j in self.jobs("once")], first)
        sheaf(self.rig.broker, "queue", "once", "set", "keep=0s")
        self.rig.broker.restart()
        self.assertEqual(self.again(), first)  # the job is done and gone; it is remembered a day
        self.assertEqual(self.jobs("once"), [])

    def test_a_broker_that_is_gone(self):
        """What was answered with 451 is not submitted when it comes back."""
        with self.wire() as c:
            c.hello()
            c.envelope("q@localhost")
            self.rig.broker.kill()
            c.data(TEXT, "451 4.3.0")
        self.rig.broker.start()
        self.rig.accepts()
        self.assertEqual(self.jobs("q"), [])

    def test_postmaster_of_a_paused_queue(self):
        with self.wire() as c:
            c.hello()
            c.mail("postmaster", TEXT)
            self.assertEqual(sheaf(self.rig.broker, "queue", "postmaster", "pause").returncode, 0)
            for _ in range(3):
                c.mail(["PostMaster", "postmaster@localhost"], TEXT)
                time.sleep(0.6)  # it is known for a second what a queue is
        self.assertEqual(queue(self.rig.broker, "postmaster")["ready"], 4)


if __name__ == "__main__":
    import unittest
    unittest.main()
