"""nodemailer, the mail client of Node, from npm, with a pool of connections. Its version is in
tests/compat/package-lock.json."""
import base64
import email
import email.policy
import json
import os
import subprocess

from harness import environment
from smtp_jobs import mail_of
from smtp_rig import PASSWORD, USER, SmtpCase
from test_nsqjs import COMPAT, install


class Nodemailer(SmtpCase):
    TLS = USERS = True
    QUEUES = ("q", "r")
    TIMEOUT = 120

    @classmethod
    def setUpClass(cls):
        cls.modules = install()
        super().setUpClass()

    def send(self, mails, address=None, **options):
        host, _, port = (address or self.rig.smtp).rpartition(":")
        options = {"host": host, "port": int(port), "pool": True, "maxConnections": 5, "maxMessages": 20,
                   "tls": {"rejectUnauthorized": False}} | options
        done = subprocess.run(["node", os.path.join(COMPAT, "nodemailer_client.js"), json.dumps(options),
                               json.dumps(mails)], capture_output=True, text=True, timeout=100,
                              env=environment(NODE_PATH=self.modules))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def raw(self, **options):
        """200 mails byte for byte, through five connections that are replaced after 20 mails each."""
        mails = [b"Message-ID: <%d@client.test>\r\nSubject: raw\r\n\r\n..\r\n.\r\n\xc3\xbc" % n + b"y" * n + b"\r\n"
                 for n in range(200)]
        got = self.send([{"envelope": {"from": "me@client.test", "to": ["q@localhost"]},
                          "raw": base64.b64encode(m).decode()} for m in mails], **options)
        jobs = {mail_of(j): j for j in self.jobs("q")}
        self.assertEqual((len(got), set(jobs)), (200, set(mails)))
        for mail, one in zip(mails, got):
            self.assertEqual(one.get("response"), f"250 2.0.0 queued as {jobs[mail].id}")
        return jobs.values()

    def test_starttls_and_auth(self):
        for job in self.raw(auth={"user": USER, "pass": PASSWORD}, requireTLS=True):
            self.assertEqual(job.headers["auth_user"], USER)
            self.assertIn("TLS", job.headers["tls"])

    def test_implicit_tls(self):
        self.raw(address=self.rig.tls, secure=True)

    def test_plain(self):
        self.raw(ignoreTLS=True)

    def test_lmtp(self):
        self.raw(address=self.rig.lmtp, lmtp=True)

    def test_composed(self):
        picture = bytes(range(256)) * 40
        got = self.send([{"from": "me@client.test", "to": "q@localhost, r@localhost", "subject": "Grüße",
                          "text": "Ein naïver Text\n", "html": "<p>Text</p>", "attachments": [
                              {"filename": "bild.png", "content": base64.b64encode(picture).decode(),
                               "encoding": "base64"}]}])
        self.assertEqual(got[0]["rejected"], [])
        for job, in self.jobs("q", "r"):
            self.assertEqual((job.headers["message_id"], job.headers["subject"]), (got[0]["id"], "Grüße"))
            mail = email.message_from_bytes(mail_of(job), policy=email.policy.default)
            attached, = mail.iter_attachments()
            self.assertEqual((attached.get_filename(), attached.get_content()), ("bild.png", picture))
            self.assertEqual(mail.get_body(("plain",)).get_content().strip(), "Ein naïver Text")

    def test_refused(self):
        got = self.send([{"from": "me@client.test", "to": "nobody@localhost", "text": "x"}])
        self.assertEqual(got[0]["code"], 550)


if __name__ == "__main__":
    import unittest
    unittest.main()
