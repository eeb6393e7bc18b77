"""Mail by real clients, unchanged: swaks, curl, msmtp, Python's smtplib. What they send is read back as jobs, byte for
byte. (nodemailer: test_nodemailer.py; Postfix: test_smtp_postfix.py.)"""
import os
import smtplib
import subprocess
from email.message import EmailMessage

from harness import environment
from smtp_jobs import mail_of
from smtp_rig import PASSWORD, USER, SmtpCase

# Dots at the beginning of lines, an empty one at the end, bytes that are not ASCII, a line of 20,000 bytes.
TEXT = ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@client.test>\r\n\r\n.\r\n..\r\n.a\r\nGrüße\r\n"
        + "x" * 20000 + "\r\n\r\n")
MAIL = TEXT.encode()


class Clients(SmtpCase):
    TLS = USERS = True
    OPTIONS = {"domain": "jobs.test"}
    QUEUES = ("q", "r", "plain")
    SECTIONS = {"smtp.queue.plain": {"trace": "no"}}

    def setUp(self):
        self.port, self.tls_port, self.lmtp_port = (
            a.rpartition(":")[2] for a in (self.rig.smtp, self.rig.tls, self.rig.lmtp))
        self.file = os.path.join(self.dir, "mail")

    def write(self, data):
        with open(self.file, "wb") as f:
            f.write(data)
        return self.file

    def run_client(self, *args, input=b"", status=0):
        done = subprocess.run([str(a) for a in args], input=input, capture_output=True, timeout=60, env=environment())
        self.assertEqual(done.returncode, status, f"{args}\n{done.stdout.decode()}\n{done.stderr.decode()}")
        return done.stdout.decode()

    def one(self, mail=MAIL, q="q", **headers):
        """The queue has one job, which is this mail, and has these headers."""
        job, = self.jobs(q)
        self.assertEqual(mail_of(job), mail)
        self.assertEqual({k: v for k, v in job.headers.items() if k in headers}, headers, job.headers)
        self.assertEqual(job.headers["size"], str(len(mail)))
        return job


class Swaks(Clients):
    def swaks(self, *args, port=None, to="q@jobs.test", status=0):
        self.write(MAIL.replace(b"\r\n", b"\n")[:-1])  # it ends the last line itself
        return self.run_client("swaks", "--server", "127.0.0.1", "--port", port or self.port, "--to", to, "--from",
                               "me@client.test", "--helo", "client.test", "--data", "@" + self.file, *args,
                               status=status)

    def test_plain(self):
        said = self.swaks()
        job = self.one(mail_from="me@client.test", rcpt="q@jobs.test", helo="client.test", subject="Grüße",
                       message_id="<1@client.test>", tls="", auth_user="")
        self.assertIn(f"250 2.0.0 queued as {job.id}", said)
        self.assertTrue(job.headers["peer"].startswith("127.0.0.1:"), job.headers)

    def test_starttls(self):
        self.swaks("--tls", "--tls-verify", "--tls-ca-path", self.rig.cert)
        self.assertRegex(self.one().headers["tls"], r"TLS.*1\.[23]")

    def test_implicit_tls(self):
        self.swaks("--tls-on-connect", port=self.tls_port)
        self.assertRegex(self.one().headers["tls"], r"TLS.*1\.[23]")

    def auth(self, how):
        self.swaks("--tls", "--auth", how, "--auth-user", USER, "--auth-password", PASSWORD)
        self.one(auth_user=USER)

    def test_auth_plain(self):
        self.auth("PLAIN")

    def test_auth_login(self):
        self.auth("LOGIN")

    def test_a_wrong_password(self):
        said = self.swaks("--tls", "--auth", "LOGIN", "--auth-user", USER, "--auth-password", "wrong", status=28)
        self.assertIn("535 5.7.8", said)
        self.assertEqual(self.jobs("q"), [])

    def test_no_auth_without_tls(self):
        said = self.swaks("--auth", "PLAIN", "--auth-user", USER, "--auth-password", PASSWORD, status=28)
        self.assertNotIn("250-AUTH", said)
        self.assertEqual(self.jobs("q"), [])

    def test_pipelining(self):
        self.swaks("--pipeline", to="q@jobs.test,r@jobs.test")
        q, r = self.jobs("q", "r")
        self.assertEqual([mail_of(j) for j in q + r], [MAIL, MAIL])

    def test_lmtp(self):
        said = self.swaks("--protocol", "LMTP", "--pipeline", to="q@jobs.test,r@jobs.test", port=self.lmtp_port)
        q, r = self.jobs("q", "r")
        for job in q + r:
            self.assertEqual(mail_of(job), MAIL)
            self.assertRegex(said, rf"250 2\.0\.0 .*queued as {job.id}")

    def test_an_unknown_queue(self):
        self.assertIn("550 5.1.1", self.swaks(to="nobody@jobs.test", status=24))

    def test_a_foreign_domain(self):
        self.assertIn("550 5.7.1", self.swaks(to="q@elsewhere.test", status=24))

    def test_options_in_the_address(self):
        self.swaks(to="Q+key=k1+priority=4@jobs.test")
        first = self.one()
        self.swaks(to="q+key=k1@jobs.test")
        self.assertEqual(self.jobs("q"), [], f"a second job beside {first.id}")

    def test_without_trace_lines(self):
        self.swaks(to="plain@jobs.test")
        job, = self.jobs("plain")
        self.assertEqual(job.payload, MAIL)


class SwaksApart(Swaks):
    APART = True


class Proxied(SmtpCase):
    """Behind a proxy that says who the client is. Its client's network may, others may not."""
    OPTIONS = {"proxy": "127.0.0.0/8", "networks": "192.0.2.0/24"}
    PREAMBLE = b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 25\r\n"

    def swaks(self, version, source, status=0):
        done = subprocess.run(
            ["swaks", "--server", "127.0.0.1", "--port", self.rig.smtp.rpartition(":")[2], "--to", "q@localhost",
             "--from", "me@client.test", "--proxy-version", version, "--proxy-family",
             "TCP6" if version == "1" and ":" in source else "AF_INET6" if ":" in source
             else "TCP4" if version == "1" else "AF_INET", "--proxy-protocol", "STREAM", "--proxy-source", source,
             "--proxy-source-port", "4711", "--proxy-dest", "::1" if ":" in source else "127.0.0.1",
             "--proxy-dest-port", "25"], capture_output=True, text=True, timeout=60, env=environment())
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_versions(self):
        for version in "12":
            self.swaks(version, "192.0.2.7")
            job, = self.jobs("q")
            self.assertEqual(job.headers["peer"], "192.0.2.7:4711")

    def test_who_is_not_allowed(self):
        for version, source in (("1", "198.51.100.1"), ("2", "198.51.100.1"), ("2", "2001:db8::1")):
            self.assertIn("550 5.7.1", self.swaks(version, source, status=24))
        self.assertEqual(self.jobs("q"), [])


class Curl(Clients):
    def curl(self, url, *args, mail=MAIL, status=0, rcpts=("q@jobs.test",)):
        self.write(mail)
        to = [x for r in rcpts for x in ("--mail-rcpt", r)]
        return self.run_client("curl", "-sS", "--url", url, "--mail-from", "me@client.test", *to, "--upload-file",
                               self.file, "--cacert", self.rig.cert, *args, status=status)

    def test_plain(self):
        self.curl(f"smtp://127.0.0.1:{self.port}/curl.test")
        self.one(helo="curl.test")

    def test_starttls_and_auth(self):
        for how in ("PLAIN", "LOGIN"):
            self.curl(f"smtp://127.0.0.1:{self.port}", "--ssl-reqd", "--user", f"{USER}:{PASSWORD}", "--login-options",
                      f"AUTH={how}")
            self.one(auth_user=USER)

    def test_implicit_tls(self):
        self.curl(f"smtps://127.0.0.1:{self.tls_port}", rcpts=("q@jobs.test", "r@jobs.test"))
        self.assertEqual([[mail_of(j) for j in jobs] for jobs in self.jobs("q", "r")], [[MAIL], [MAIL]])

    def test_a_large_mail(self):
        mail = b"Subject: large\r\n\r\n" + b"".join(b"%070d\r\n" % n for n in range(100000))
        self.curl(f"smtp://127.0.0.1:{self.port}", mail=mail)
        self.one(mail=mail, subject="large")

    def test_a_mail_that_is_too_large(self):
        self.curl(f"smtp://127.0.0.1:{self.port}", mail=b"\r\n" + b"x" * (17 << 20) + b"\r\n", status=55)
        self.assertEqual(self.jobs("q"), [])


class Msmtp(Clients):
    def msmtp(self, *args, port=None, rcpt="q@jobs.test", status=0):
        return self.run_client("msmtp", "--host=127.0.0.1", f"--port={port or self.port}", "--from=me@client.test",
                               "--domain=client.test", "--set-msgid-header=off", "--set-date-header=off",
                               "--set-from-header=off", *args, "--", rcpt, input=MAIL.replace(b"\r\n", b"\n"),
                               status=status)

    def test_plain(self):
        self.msmtp()
        self.one(helo="client.test")

    def test_starttls_and_auth(self):
        for how in ("plain", "login"):
            self.msmtp("--tls=on", "--tls-starttls=on", f"--tls-trust-file={self.rig.cert}", f"--auth={how}",
                       f"--user={USER}", f"--passwordeval=echo '{PASSWORD}'")
            self.one(auth_user=USER)

    def test_implicit_tls(self):
        self.msmtp("--tls=on", "--tls-starttls=off", f"--tls-trust-file={self.rig.cert}", port=self.tls_port)
        self.one()

    def test_lmtp(self):
        self.msmtp("--protocol=lmtp", port=self.lmtp_port)
        self.one()


class Smtplib(Clients):
    def smtp(self):
        s = smtplib.SMTP("127.0.0.1", int(self.port), local_hostname="client.test", timeout=60)
        self.addCleanup(s.close)
        return s

    def test_8bitmime(self):
        with self.smtp() as s:
            self.assertEqual(s.sendmail("me@client.test", ["q@jobs.test"], MAIL, ["BODY=8BITMIME"]), {})
        self.one()

    def test_smtputf8(self):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "jürgen@exämple.test", "q@jobs.test", "Grüße"
        mail.set_content("naïve\n")
        with self.smtp() as s:
            self.assertEqual(s.send_message(mail), {})
        job, = self.jobs("q")
        self.assertEqual((job.headers["mail_from"], job.headers["subject"]), ("jürgen@exämple.test", "Grüße"))
        self.assertIn("jürgen".encode(), job.payload)

    def test_bdat(self):
        with self.smtp() as s:
            s.ehlo()
            self.assertTrue(s.has_extn("chunking") and s.has_extn("binarymime"))
            mail = MAIL + b"\0\r\n\n\r.\r\n" + bytes(range(256))
            s.mail("me@client.test", ["BODY=BINARYMIME", f"SIZE={len(mail)}"])
            s.rcpt("q@jobs.test")
            for at in range(0, len(mail), 1000):
                s.send(b"BDAT %d\r\n" % len(mail[at:at + 1000]) + mail[at:at + 1000])
                self.assertEqual(s.getreply()[0], 250)
            s.send(b"BDAT 0 LAST\r\n")
            self.assertEqual(s.getreply()[0], 250)
        self.one(mail=mail)

    def test_many_in_a_session(self):
        with self.smtp() as s:
            s.starttls()
            s.login(USER, PASSWORD)
            mails = [b"Message-ID: <%d@client.test>\r\n\r\n" % n + b"%d\r\n" % n * n for n in range(50)]
            for m in mails:
                s.sendmail("me@client.test", ["q@jobs.test"], m)
        self.assertEqual([mail_of(j) for j in self.jobs("q")], mails)

    def test_some_recipients_are_refused(self):
        with self.smtp() as s:
            refused = s.sendmail("me@client.test", ["q@jobs.test", "nobody@jobs.test", "r@jobs.test"], MAIL)
        self.assertEqual([(r, code) for r, (code, _) in refused.items()], [("nobody@jobs.test", 550)])
        self.assertEqual([[mail_of(j) for j in jobs] for jobs in self.jobs("q", "r")], [[MAIL], [MAIL]])

    def test_lmtp(self):
        with smtplib.LMTP("127.0.0.1", int(self.lmtp_port)) as s:
            s.sendmail("me@client.test", ["q@jobs.test"], MAIL)
        self.one()


class LmtpSocket(SmtpCase):
    """LMTP by a Unix socket."""

    def test_it(self):
        path = os.path.join(self.dir, "own", "lmtp")
        os.makedirs(os.path.dirname(path))
        rig = self.own_rig(options={"lmtp": path})
        for _ in range(2):
            with smtplib.LMTP(path) as s:
                s.sendmail("me@client.test", ["q@localhost"], MAIL)
            job, = self.jobs("q", rig=rig)
            self.assertEqual((mail_of(job), job.headers["peer"]), (MAIL, "unix"))
            rig.broker.kill()  # what it leaves behind is not in the next one's way
            rig.broker.start()
            rig.accepts()


if __name__ == "__main__":
    import unittest
    unittest.main()
