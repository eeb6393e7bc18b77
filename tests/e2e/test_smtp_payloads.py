"""What jobs get of real mails, as Python writes them: raw, their text, JSON; keys and options; and the example in
docs/mail.md."""
import base64
import email
import email.message
import email.policy
import hashlib
import json
import os
import subprocess
import unittest

from harness import ROOT, Worker, sheaf
from smtp_jobs import mail_of
from smtp_rig import PASSWORD, USER, SmtpCase

PYTHON = "/usr/bin/python3"
PICTURE = ("from PIL import Image; import sys; "
           "Image.radial_gradient('L').resize((400, 300)).save(sys.stdout.buffer, 'JPEG')")
PILLOW = subprocess.run([PYTHON, "-c", "import PIL"], capture_output=True).returncode == 0


def letter(subject="Grüße", text="Schöne Grüße\n\nvon uns\n", html="<p>Schöne Grüße", attachments=()):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = "Jürgen <j@example.org>", "q@localhost", subject
    m["Message-ID"] = "<1@example.org>"
    m.set_content(text, charset="iso-8859-1")
    if html:
        m.add_alternative(html, subtype="html")
    for name, kind, data in attachments:
        main, sub = kind.split("/")
        m.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return m.as_bytes()


class Payloads(SmtpCase):
    QUEUES = ("q", "plain", "body", "json", "json2", "dedup", "pictures")
    SECTIONS = {"smtp.queue.plain": {"trace": "no"}, "smtp.queue.body": {"payload": "body"},
                "smtp.queue.json": {"payload": "json"}, "smtp.queue.json2": {"payload": "json"},
                "smtp.queue.dedup": {"dedup": "yes"}, "smtp.queue.pictures": {"payload": "json"}}

    def send(self, data, *to, sender="a@example.org"):
        """The ids of its jobs."""
        with self.wire() as c:
            c.hello()
            return c.mail([f"{t}@localhost" for t in to], data, sender=sender).ids()

    def test_one_mail_in_all_modes(self):
        files = [("Zeugnis März.pdf", "application/pdf", b"%PDF" + bytes(range(256)) * 100),
                 ("a.txt", "application/x-text", b"one\ntwo")]
        data = letter(attachments=files)
        ids = self.send(data, "q", "plain", "body", "json", "json2+priority=9", "q+delay=0s")
        self.assertEqual(len(ids), 5)
        (raw,), (plain,), (body,), (first,), (second,) = self.jobs("q", "plain", "body", "json", "json2")
        self.assertEqual([raw.id, plain.id, body.id, first.id, second.id], ids)
        self.assertEqual(mail_of(raw), data)
        self.assertEqual(plain.payload, data)
        self.assertEqual(body.payload.decode(), "Schöne Grüße\n\nvon uns\n")
        self.assertEqual(raw.headers["subject"], "Grüße")
        self.assertEqual(raw.headers["rcpt"], "q@localhost q+delay=0s@localhost")
        self.assertEqual(raw.headers["message_id"], "<1@example.org>")
        self.assertEqual(raw.headers["sha256"], hashlib.sha256(data).hexdigest())
        self.assertEqual(int(raw.headers["size"]), len(data))
        self.assertNotIn("mime", raw.headers)
        self.assertEqual([body.headers["mime"], first.headers["mime"]], ["body", "json"])
        j, k = json.loads(first.payload), json.loads(second.payload)
        self.assertEqual(j["envelope"]["to"], ["json@localhost"])
        self.assertEqual(k["envelope"]["to"], ["json2+priority=9@localhost"])
        self.assertEqual(j | {"envelope": 0}, k | {"envelope": 0})
        want = email.message_from_bytes(data, policy=email.policy.default)
        self.assertEqual([x for x, _ in j["headers"]], want.keys())
        self.assertEqual(dict(j["headers"])["From"], "Jürgen <j@example.org>")
        self.assertEqual(j["text"], "Schöne Grüße\n\nvon uns\n")
        self.assertEqual(j["html"], "<p>Schöne Grüße\n")
        self.assertEqual([(a["name"], a["type"], base64.b64decode(a["content"])) for a in j["attachments"]], files)

    def test_a_large_mail(self):
        """One that is in a file, and takes its time on another thread while others go on."""
        content = os.urandom(5 << 20)
        data = letter(attachments=[("big.bin", "application/octet-stream", content)])
        self.send(data, "json", "q", "body")
        j, raw, body = self.jobs("json", "q", "body")
        self.assertEqual(base64.b64decode(json.loads(j[0].payload)["attachments"][0]["content"]), content)
        self.assertEqual(mail_of(raw[0]), data)
        self.assertEqual(body[0].payload.decode(), "Schöne Grüße\n\nvon uns\n")
        self.send(data, "json", "q", "plain", "body")   # the JSON does not fit beside what has to be there
        j, raw, plain, body = self.jobs("json", "q", "plain", "body")
        self.assertEqual([mail_of(j[0]), mail_of(raw[0]), plain[0].payload], [data] * 3)
        self.assertEqual(j[0].headers["mime_why"], "it has more bytes than the payloads of a mail may have")
        self.assertEqual(body[0].payload.decode(), "Schöne Grüße\n\nvon uns\n")

    def test_a_thousand_deep(self):
        data = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(1000))
        self.send(data, "json", "body", "plain")
        jobs = self.jobs("json", "body", "plain")
        for job, in jobs[:2]:
            self.assertEqual(mail_of(job), data)
            self.assertEqual(job.headers["mime"], "raw")
            self.assertIn("nested too deep", job.headers["mime_why"])
        self.assertEqual(jobs[2][0].payload, data)

    def test_html_alone_is_no_body(self):
        data = b"Content-Type: text/html\r\n\r\n<p>hi\r\n"
        self.send(data, "body")
        job, = self.jobs("body")
        self.assertEqual((mail_of(job), job.headers["mime_why"]), (data, "it has no text/plain part"))

    def test_what_comes_twice(self):
        data = letter()
        again = b"Received: from x\r\n\tby y; now\r\n" + data
        first, = self.send(data, "dedup")
        self.assertEqual(self.send(again, "dedup"), [first])
        self.assertEqual(self.send(b"Return-Path: <x@y>\r\n" + again, "dedup"), [first])
        others = [self.send(data + b"more\r\n", "dedup")[0],              # the same Message-ID is not enough
                  self.send(data, "dedup", sender="b@example.org")[0],
                  self.send(data.replace(b"<1@", b"<2@"), "dedup")[0],
                  self.send(data, "q")[0], self.send(data, "q")[0]]
        self.assertEqual(len({first, *others}), 6)
        keyed, = self.send(data, "dedup+key=k1")                          # who comes from this machine may say it
        self.assertEqual(self.send(letter("another"), "dedup+key=k1"), [keyed])
        self.assertNotEqual(keyed, first)
        self.assertEqual([len(x) for x in self.jobs("dedup", "q")], [5, 2])

    @unittest.skipUnless(PILLOW, "there is no Pillow here: the thumbnail's example WAS NOT RUN (Debian: python3-pil)")
    def test_a_thumbnail(self):
        """As docs/mail.md has it."""
        picture = subprocess.run([PYTHON, "-c", PICTURE], capture_output=True, check=True).stdout
        worker = Worker(self.rig.broker, "pictures", "--", f"{ROOT}/examples/thumbnail.py")
        worker.start()
        self.addCleanup(worker.kill)
        files = [("a.txt", "text/x-a", b"a"), ("photo", "application/octet-stream", picture)]
        job, = self.send(letter(attachments=files), "pictures")
        self.assertEqual(sheaf(self.rig.broker, "wait", str(job)).returncode, 0)
        png = sheaf(self.rig.broker, "result", str(job), text=False).stdout
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual((int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")), (160, 120))
        for data, why in ((letter(), "a@example.org sent no image"),
                          (letter(attachments=[("x.png", "image/png", b"none")]), "a@example.org sent no image"),
                          (letter(attachments=[("x.jpg", "image/jpeg", picture[:-500])]), "x.jpg: image file is"),
                          (b"Content-Type: multipart/mixed\r\n\r\nx\r\n", "this mail cannot be read: a multipart")):
            job, = self.send(data, "pictures")
            self.assertNotEqual(sheaf(self.rig.broker, "wait", str(job)).returncode, 0)
            self.assertIn(why, sheaf(self.rig.broker, "job", str(job)).stdout)


class Authenticated(SmtpCase):
    QUEUES = ("q", "r")
    TLS = USERS = True

    def send(self, headers, *to, authenticate=True, want=250):
        with self.wire(self.rig.tls, tls=self.trust) as c:
            c.hello()
            if authenticate:
                c.say("AUTH PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(), 235)
            return c.mail([f"{t}@localhost" for t in to], headers.encode() + b"\r\nhi\r\n", want)

    def shown(self, job):
        return json.loads(sheaf(self.rig.broker, "job", str(job), "--json").stdout)

    def test_options_in_headers(self):
        """The address goes before a header, a header before the default; a header of strangers says nothing."""
        head = "X-Job-Priority: 7\r\nX-Job-Delay: 1h\r\n"
        first, second = self.send(head, "q+priority=0", "r").ids()
        self.assertEqual([self.shown(j)["priority"] for j in (first, second)], [0, 7])
        self.assertEqual([self.shown(j)["state"] for j in (first, second)], ["delayed"] * 2)
        third, = self.send(head, "q", authenticate=False).ids()
        self.assertEqual((self.shown(third)["priority"], self.shown(third)["state"]), (4, "ready"))
        self.assertIn("delay", self.send("X-Job-Delay: soon\r\n", "q", want="550 5.6.0").text)
        self.send("X-Job-Delay: soon\r\n", "q", authenticate=False)
        key = "X-Job-Key: a key that is longer than a local part may be, which has 64 bytes\r\n"
        keyed, = self.send(key, "q").ids()
        self.assertEqual(self.send("Subject: other\r\n" + key, "q").ids(), [keyed])
