"""Mail in as a part of sheafd and as sheaf-smtpd: where it listens, what it refuses at the start, how it ends, and what
it says while the broker is away."""
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import time

from harness import Case, Process, program, sheaf, wait_until
from smtp_client import Wire
from smtp_jobs import mail_of
from smtp_rig import SmtpCase

MAIL = b"Subject: hello\r\n\r\nhello\r\n"


class Edge(SmtpCase):
    def test_a_mail_is_a_job(self):
        with self.wire() as c:
            c.hello()
            ids = c.mail("q@localhost", MAIL).ids()
        job, = self.jobs("q")
        self.assertEqual(([job.id], mail_of(job)), (ids, MAIL))

    def test_lmtp(self):
        with self.wire(self.rig.lmtp) as c:
            c.hello("LHLO")
            c.envelope("q@localhost", "postmaster")
            c.data(MAIL)
            c.expect(250)
        self.jobs("q", "postmaster")

    def test_ready_names_it(self):
        self.assertEqual(self.rig.ingress.ready["smtp"], self.rig.smtp)
        self.assertEqual(self.rig.ingress.ready["lmtp"], self.rig.lmtp)


class Apart(Edge):
    APART = True


class Counters(SmtpCase):
    def test_stats(self):
        with self.wire() as c:
            c.hello()
            c.mail("q@localhost", MAIL)
            c.say("MAIL FROM:<a@client.test>", 250)
            c.say("RCPT TO:<missing@localhost>", "550 5.1.1")
            stats = json.loads(sheaf(self.rig.broker, "stats", "--json").stdout)
        self.assertEqual((stats["smtp_mails"], stats["smtp_jobs"], stats["smtp_refused_recipient"]), (1, 1, 1))
        self.assertEqual(stats["smtp_sessions_now"], 1)
        self.assertGreaterEqual(stats["smtp_accept_us"], stats["smtp_accept_us_max"])


class Start(Case):
    def refused(self, name, *flags):
        args = [program(name), *flags]
        if name == "sheafd":
            args += ["--data", os.path.join(self.dir, "refused")]
            for kind in ("listen", "results", "workers"):
                args += [f"--{kind}", "tcp://127.0.0.1:*"]
        done = subprocess.run(args, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    def test_refused(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        at = "127.0.0.1:%d" % taken.getsockname()[1]
        for name, p in (("sheafd", "smtp-"), ("sheaf-smtpd", "")):
            listen = "--smtp" if p else "--listen"
            status, said = self.refused(name, listen, at)
            self.assertEqual(status, 1, said)
            self.assertRegex(said, rf"{name}: {listen}: .*{at}.*address already in use")
            status, said = self.refused(name, listen, "127.0.0.1:0", f"--{p}tls-cert", "/nowhere/c",
                                        f"--{p}tls-key", "/nowhere/k")
            self.assertEqual(status, 1, said)
            self.assertIn(f"{name}: --{p}tls-cert: /nowhere/c: No such file or directory", said)
            status, said = self.refused(name, listen, "0.0.0.0:0")
            self.assertEqual(status, 2, said)
            self.assertIn("--insecure", said)
        for flags, sentence in (((), "--listen HOST:PORT"), (("--listen", "127.0.0.1:0", "--broker", "nonsense"),
                                                             "--broker: 'nonsense' is no endpoint"),
                                (("--listen", "127.0.0.1:0", "--broker", "tcp://broker.example:7400"), "--keys DIR"),
                                (("--listen", "127.0.0.1:0", "--grace", "soon"), "--grace: 'soon' is no duration")):
            status, said = self.refused("sheaf-smtpd", *flags)
            self.assertEqual(status, 2, said)
            self.assertIn(sentence, said)


class End(SmtpCase):
    """Each test ends its own."""
    QUEUES = ()

    def ends(self, rig, process):
        """A drain: who is connected hears of it, and a mail that is on its way becomes a job."""
        idle, busy = self.wire(rig.smtp), self.wire(rig.smtp)
        idle.hello()
        busy.hello()
        busy.envelope("q@localhost")
        busy.say("DATA", 354)
        busy.send(MAIL[:10])
        process.signal(signal.SIGTERM)
        self.assertEqual(idle.closed()[-1].status, "4.3.2")
        new = self.wire(rig.smtp)
        new.expect("421 4.3.2")
        busy.send(MAIL[10:] + b".\r\n")
        ids = busy.expect(250).ids()
        self.assertEqual(busy.closed()[-1].status, "4.3.2")
        process.wait(20)
        self.assertEqual(process.p.returncode, 0)
        return ids

    def test_sheafd_drains(self):
        rig = self.own_rig()
        ids = self.ends(rig, rig.broker)
        rig.broker.start()
        self.assertEqual([j.id for j in self.jobs("q", rig=rig)], ids)

    def test_smtpd_drains(self):
        rig = self.own_rig(apart=True)
        ids = self.ends(rig, rig.smtpd)
        self.assertEqual([j.id for j in self.jobs("q", rig=rig)], ids)

    def test_a_second_signal_is_immediate(self):
        rig = self.own_rig(apart=True)
        for process in (rig.smtpd, rig.broker):
            if process is rig.broker:
                rig = self.own_rig()
                process = rig.broker
            c = self.wire(rig.smtp)
            c.hello()
            c.envelope("q@localhost")
            c.say("DATA", 354)
            process.signal(signal.SIGTERM)
            wait_until(lambda: " drain " in process.stderr(), what="the drain")
            process.signal(signal.SIGTERM)
            process.wait(20)
            self.assertEqual(process.p.returncode, 0)
            self.assertNotIn(250, [r.code for r in c.closed()])


class Away(SmtpCase):
    """sheaf-smtpd and a broker that comes, goes, and comes again."""
    APART = True
    QUEUES = ()
    OPTIONS = {"answer": "2s"}

    def test_the_broker_is_away(self):
        rig = self.own_rig(apart=True, options=self.OPTIONS)
        c = self.wire(rig.smtp)
        c.hello()
        c.envelope("q@localhost")
        rig.broker.kill()
        c.data(MAIL, "451 4.3.0")             # within --answer
        c.say("MAIL FROM:<a@client.test>", 250)
        began = time.monotonic()
        wait_until(lambda: self.recipient(c, "451 4.3.0"), what="451 to a recipient")
        c.say("RSET", 250)
        self.assertLess(time.monotonic() - began, 20)
        rig.smtpd.stop()                      # there is nothing on its way
        rig.smtpd.start()                     # it comes up without a broker
        rig.broker.start()
        rig.accepts()
        with self.wire(rig.smtp) as c:
            c.hello()
            ids = c.mail("q@localhost", MAIL).ids()
        self.assertIn(ids[0], [j.id for j in self.jobs("q", rig=rig)])

    def recipient(self, c, want):
        c.send(b"RCPT TO:<q@localhost>\r\n")
        return c.reply().is_a(want)

    def test_a_broker_that_restarts_is_waited_for(self):
        rig = self.own_rig(apart=True)
        c = self.wire(rig.smtp)
        c.hello()
        c.envelope("q@localhost")
        rig.broker.kill()
        c.say("DATA", 354)
        c.send(MAIL + b".\r\n")
        rig.broker.start()
        ids = c.expect(250).ids()
        self.assertEqual([j.id for j in self.jobs("q", rig=rig)], ids)


class Trouble(SmtpCase):
    def test_a_queue_that_goes_meanwhile(self):
        """Between RCPT and the end of the mail: it is put off, and the next RCPT tells."""
        self.rig.make_queue("goes")
        c = self.wire()
        c.hello()
        c.envelope("q@localhost", "goes@localhost")
        self.assertEqual(sheaf(self.rig.broker, "queue", "goes", "delete").returncode, 0)
        c.data(MAIL, "451 4.3.0")
        c.say("MAIL FROM:<a@client.test>", 250)
        c.say("RCPT TO:<goes@localhost>", "550 5.1.1")
        c.say("RCPT TO:<q@localhost>", 250)
        ids = c.data(MAIL).ids()
        self.assertEqual([j.id for j in self.jobs("q")], ids)  # and nothing of the first

    def test_paused_and_drained(self):
        for name, op, want in (("rests", "pause", "450 4.2.1"), ("closes", "drain", "450 4.2.1")):
            self.rig.make_queue(name)
            self.assertEqual(sheaf(self.rig.broker, "queue", name, op).returncode, 0)
            c = self.wire()
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            c.say(f"RCPT TO:<{name}@localhost>", want)

    def test_the_journal_fails(self):
        """Who waits for an answer gets none that says it is well, and sheafd ends."""
        rig = self.own_rig()
        rig.kill()
        command = rig.broker.command()
        rig.broker.command = lambda: ["env", "--ignore-signal=XFSZ", *command]
        rig.broker.start()
        rig.accepts()
        c = self.wire(rig.smtp)
        c.hello()
        before = c.mail("q@localhost", MAIL).ids()
        c.envelope("q@localhost")
        resource.prlimit(rig.broker.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        c.say("DATA", 354)
        c.send(MAIL + b".\r\n")
        replies = c.closed()
        self.assertTrue(replies and all(r.is_a(("451 4.3.0", "421")) for r in replies), replies)
        self.assertEqual(rig.broker.wait(), 1)
        rig.broker.start()
        self.assertEqual([j.id for j in self.jobs("q", rig=rig)], before)


class Keyed(Case):
    def keygen(self, *args):
        done = subprocess.run([program("sheaf"), "keygen", os.path.join(self.dir, "keys"), *args], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return os.path.join(self.dir, "keys")

    def test_smtpd_with_a_key_of_its_own(self):
        """Its role is submit. A key that the broker does not know yet is tried again."""
        keys = self.keygen()
        broker = self.broker(keys=keys)
        self.expect(0, broker, "submit", "q", "first", "--keys", keys)
        self.keygen("--add", "mail", "--role", "submit")
        smtpd = self.own(Process(self.dir, "sheaf-smtpd"))
        smtpd.spawn([program("sheaf-smtpd"), "--broker", broker.url, "--keys", os.path.join(keys, "mail"),
                     "--listen", "127.0.0.1:0"])
        at = smtpd.wait_line(r"^sheaf-smtpd ready smtp=(\S+)").group(1)
        smtpd.wait_line("smtp-broker-refused .*this key is not known to it")
        with Wire(at) as c:
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            c.say("RCPT TO:<q@localhost>", "451 4.3.0")
            broker.signal(signal.SIGHUP)
            smtpd.wait_line("smtp-broker connected")
            c.say("RCPT TO:<q@localhost>", 250)
            c.data(MAIL)
        smtpd.stop()
        self.assertIn("submitted    2", self.expect(0, broker, "queue", "q", "--keys", keys).stdout)


class Socket(Case):
    def test_lmtp_at_a_path(self):
        path = os.path.join(self.dir, "lmtp.sock")
        broker = self.broker(smtp_lmtp=path)
        self.assertEqual(broker.ready["lmtp"], path)
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        with Wire(path) as c:
            c.hello("LHLO")
            c.envelope("postmaster")
            c.data(MAIL)
        broker.stop()
        self.assertFalse(os.path.exists(path))
