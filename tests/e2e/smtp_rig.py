"""What the tests of mail share: sheafd with the ingress, or sheaf-smtpd beside it, one for all tests of a class;
certificates, users, queues; and the jobs that mails became.

    class Hello(SmtpCase):
        def test_hello(self):
            with self.wire() as c:
                c.hello()
                c.mail("q@localhost", b"Subject: hello\\r\\n\\r\\nhello\\r\\n")
            job, = self.jobs("q")
            self.assertEqual(mail_of(job), b"Subject: hello\\r\\n\\r\\nhello\\r\\n")

With APART = True the same tests run against sheaf-smtpd."""
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import Broker, Process, free_ports, program, sheaf, wait_until
from nsq_case import make_certificate, trusting
from smtp_client import Gone, Wire
from smtp_jobs import take_jobs

HOST = "mail.test"    # the server's name
USER, PASSWORD = "ada", "engine 1843"


class Smtpd(Process):
    """sheaf-smtpd for a broker; all else stands in its file."""
    count = 0

    def __init__(self, broker, config, **flags):
        Smtpd.count += 1
        super().__init__(broker.folder, f"sheaf-smtpd-{Smtpd.count}")
        self.broker, self.config, self.flags, self.ready = broker, config, flags, {}

    def start(self):
        flags = [w for name, value in self.flags.items() for w in (f"--{name}", value)]
        self.spawn([program("sheaf-smtpd"), "--broker", self.broker.url, "--config", self.config, *flags])
        line = self.wait_line(r"^sheaf-smtpd ready.*$").group(0)
        self.ready = dict(w.split("=", 1) for w in line.split() if "=" in w)
        return self

    def restart(self):
        self.stop()
        return self.start()


class Rig:
    """A broker with mail, in one process or two. options: of [smtp]. sections: {"smtp.queue.q": {"dedup": "yes"}}.
    broker: flags of sheafd.
    preamble: what a client has to say before it is greeted. grace: of whichever has the ingress."""

    def __init__(self, folder, apart=False, options=None, sections=None, tls=False, users=False, broker=None,
                 preamble=b"", grace=None):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.apart, self.preamble = folder, apart, preamble
        port = free_ports(3)
        self.smtp, self.tls, self.lmtp = (f"127.0.0.1:{port + n}" for n in range(3))
        self.lmtp_path = os.path.join(folder, "lmtp.sock")
        own = {"listen": self.smtp, "lmtp": self.lmtp, "hostname": HOST, "spool": os.path.join(folder, "spool")}
        os.makedirs(own["spool"], exist_ok=True)
        if tls:
            self.cert, self.key = make_certificate(folder)
            own |= {"tls-listen": self.tls, "tls-cert": self.cert, "tls-key": self.key}
        if users:
            own["users"] = self.write_users()
        self.options = {k: v for k, v in (own | (options or {})).items() if v is not None}
        self.sections = sections or {}
        self.config = os.path.join(folder, "mail.ini")
        self.write_config()
        own = {"grace": grace} if grace else {}
        self.broker = Broker(folder, **(broker or {}), **({} if apart else {"config": self.config, **own}))
        self.smtpd = Smtpd(self.broker, self.config, **own) if apart else None

    def write_config(self):
        with open(self.config, "w") as f:
            for name, keys in {"smtp": self.options, **self.sections}.items():
                f.write(f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()) + "\n")

    def write_users(self):
        path = os.path.join(self.folder, "users")
        made = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, check=True, capture_output=True,
                              text=True).stdout.strip()
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(f"{USER}:{made}\n")
        return path

    @property
    def ingress(self):
        """The process that faces the network."""
        return self.smtpd or self.broker

    def start(self, *queues):
        self.broker.start()
        if self.smtpd:
            self.smtpd.start()
        for q in queues:
            self.make_queue(q)
        return self

    def make_queue(self, name, *settings):
        done = sheaf(self.broker, "queue", name, "set", *(settings or ("keep=10m",)))
        if done.returncode != 0:
            raise AssertionError(f"sheaf queue {name} set: {done.stderr}")

    def accepts(self):
        """Waits until mail is taken, as it is once the ingress has found the broker."""
        def look():
            try:
                with Wire(self.smtp) as c:
                    c.send(self.preamble)
                    c.hello()
                    if self.options.get("tls-required") == "yes":
                        c.say("STARTTLS", 220)
                        c.start_tls(trusting(self.cert))
                        c.capabilities()
                    c.say("MAIL FROM:<>", 250)
                    c.send(b"RCPT TO:<postmaster>\r\n")
                    return c.reply().code == 250
            except (OSError, Gone):
                return False
        wait_until(look, what="mail to be accepted")
        return self

    def stop(self):
        if self.smtpd:
            self.smtpd.stop()
        self.broker.stop()

    def kill(self):
        if self.smtpd:
            self.smtpd.kill()
        self.broker.kill()

    def tail(self):
        return "\n".join(f"--- {p.name}:\n{p.tail()}" for p in (self.smtpd, self.broker) if p)


class SmtpCase(unittest.TestCase):
    APART = False
    OPTIONS, SECTIONS, BROKER = {}, {}, {}
    TLS = USERS = False
    QUEUES, PREAMBLE = ("q",), b""
    TIMEOUT = 90
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="sheaf-e2e-")
        cls.rig = Rig(cls.dir, cls.APART, cls.OPTIONS, cls.SECTIONS, cls.TLS, cls.USERS, cls.BROKER,
                      cls.PREAMBLE)
        try:
            cls.rig.start(*cls.QUEUES).accepts()
        except BaseException:
            print(cls.rig.tail(), flush=True)
            cls.rig.kill()
            raise
        if cls.TLS:
            cls.trust = trusting(cls.rig.cert)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.rig.stop()
        except AssertionError:
            print(cls.rig.tail(), flush=True)
            raise
        finally:
            cls.rig.kill()
            shutil.rmtree(cls.dir, ignore_errors=True)

    def own_rig(self, *queues, apart=None, **more):
        """A rig of this test's own."""
        folder = tempfile.mkdtemp(prefix="sheaf-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        rig = Rig(folder, self.APART if apart is None else apart, **more)
        self.addCleanup(rig.kill)
        return rig.start(*(queues or ("q",))).accepts()

    def wire(self, address=None, **more):
        c = Wire(address or self.rig.smtp, **more)
        self.addCleanup(c.close)
        return c

    def jobs(self, *queues, rig=None):
        """The jobs of one queue; of several, a list for each."""
        found = take_jobs((rig or self.rig).broker, *queues)
        return found[0] if len(queues) == 1 else found
