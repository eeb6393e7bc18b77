"""What is refused because of the broker or of a queue: a full disk, a broker that is away, a paused queue; who may
send; and the mail that comes again."""
import threading

from harness import queue, sheaf, wait_until
from smtp_client import Wire, stuffed
from smtp_jobs import mail_of
from smtp_rig import PASSWORD, USER, SmtpCase
from test_smtp_abuse import plain


class Away(SmtpCase):
    """sheaf-smtpd stays up while its broker is away."""

    def test_the_broker_comes_and_goes(self):
        rig = self.own_rig("q", apart=True, options={"answer": "1s"})
        in_data, idle = self.wire(rig.smtp), self.wire(rig.smtp)
        for c in (in_data, idle):
            c.hello()
        in_data.envelope("q@localhost")
        in_data.say("DATA", 354)
        rig.broker.kill()
        in_data.send(stuffed(b"x\r\n"))
        in_data.expect("451 4.3.0")
        idle.say("MAIL FROM:<a@client.test>", 250)
        wait_until(lambda: self.rcpt(idle) == (451, "4.3.0"), what="the broker's absence to be noticed")
        idle.say("DATA", (503, 554))
        with self.wire(rig.smtp) as c:
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            c.say("RCPT TO:<q@localhost>", "451 4.3.0")
            c.say("RCPT TO:<postmaster>", "451 4.3.0")
        rig.broker.start()
        rig.accepts()
        in_data.say("RSET", 250)
        in_data.mail("q@localhost", b"again\r\n")
        # what was answered with 451 may have become a job, for the broker may have had it; then it is whole
        self.assertLessEqual({mail_of(j) for j in self.jobs("q", rig=rig)}, {b"again\r\n", b"x\r\n"})

    def rcpt(self, c):
        c.send(b"RCPT TO:<q@localhost>\r\n")
        got = c.reply()
        return got.code, got.status

    def test_it_begins_without_a_broker(self):
        rig = self.own_rig("q", apart=True)
        rig.smtpd.stop()
        rig.broker.stop()
        rig.smtpd.start()
        with self.wire(rig.smtp) as c:
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            c.say("RCPT TO:<q@localhost>", "451 4.3.0")
        rig.broker.start()
        rig.accepts()
        rig.stop()


class Full(SmtpCase):
    BROKER = {"disk": "512M", "memory": "64M"}
    TIMEOUT = 180

    def test_a_full_disk(self):
        """452, nothing of a mail that got it, all of the others; and mail is taken again once there is room."""
        accepted, lock = set(), threading.Lock()
        def fill(first):
            with Wire(self.rig.smtp) as c:
                c.hello()
                for n in range(first, 1000, 4):
                    c.envelope("q@localhost")
                    c.say("DATA", 354)
                    c.send(stuffed(b"%d\r\n" % n + (b"x" * 998 + b"\r\n") * 2000))
                    got = c.expect((250, "452 4.3.1"))
                    if got.code != 250:
                        return
                    with lock:
                        accepted.update(got.ids())
        threads = [threading.Thread(target=fill, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertLess(len(accepted), 1000)
        with self.wire() as c:  # until it is whole it cannot be known
            c.hello()
            c.mail("q@localhost", b"x" * 998 + b"\r\n" + b"y" * 2000000 + b"\r\n", ("452 4.3.1",))
        self.assertEqual(queue(self.rig.broker, "q")["ready"], len(accepted))
        done = sheaf(self.rig.broker, "queue", "q", "purge")
        self.assertEqual(done.returncode, 0, done.stderr)
        def again():
            with Wire(self.rig.smtp) as c:
                c.hello()
                return c.mail("q@localhost", b"x\r\n", (250, "452 4.3.1")).code == 250
        wait_until(again, what="mail to be taken again")


class Paused(SmtpCase):
    def test_paused(self):
        def state(word):
            self.assertEqual(sheaf(self.rig.broker, "queue", "q", word).returncode, 0)
        with self.wire() as c:
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            state("pause")
            wait_until(lambda: self.code(c) == "450 4.2.1", what="the pause to be noticed")
            state("resume")
            wait_until(lambda: self.code(c) == "250 2.1.5", what="its end to be noticed")
            c.data(b"x\r\n")
        self.assertEqual(len(self.jobs("q")), 1)

    def code(self, c):
        c.send(b"RCPT TO:<q@localhost>\r\n")
        got = c.reply()
        return f"{got.code} {got.status}"

    def test_a_queue_that_comes_and_goes(self):
        with self.wire() as c:
            c.hello()
            c.say("MAIL FROM:<a@client.test>", 250)
            c.say("RCPT TO:<late@localhost>", "550 5.1.1")
            self.rig.make_queue("late")
            def there():
                c.send(b"RCPT TO:<late@localhost>\r\n")
                return c.reply().code == 250
            wait_until(there, what="the queue to be known")

    def test_postmaster(self):
        """It makes its queue."""
        with self.wire() as c:
            c.hello()
            c.mail(["Postmaster", "POSTMASTER@localhost"], b"help\r\n", sender="")
        self.assertEqual([mail_of(j) for j in self.jobs("postmaster")], [b"help\r\n"])


class Who(SmtpCase):
    """Who may send, seen from an address that is not this machine's: a proxy says so."""
    TLS = USERS = True
    QUEUES = ("q", "open", "for-ada", "by-name")
    OPTIONS = {"proxy": "127.0.0.0/8"}
    SECTIONS = {"smtp.queue.open": {"networks": "192.0.2.0/24, 2001:db8::/32"}, "smtp.queue.for-ada": {"users": USER},
                "smtp.queue.by-name": {"senders": "friend@client.test, @friends.test"}}
    PREAMBLE = b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 25\r\n"

    def come(self, source, tls=False, user=None):
        c = self.wire()
        c.send(f"PROXY TCP{6 if ':' in source else 4} {source} {'::1' if ':' in source else '127.0.0.1'} 4711 25\r\n"
               .encode())
        c.hello()
        if tls:
            c.say("STARTTLS", 220)
            c.start_tls(self.trust)
            c.capabilities()
        if user:
            c.say(plain(user, PASSWORD).strip(), 235)
        return c

    def asks(self, c, rcpt, sender="a@client.test"):
        c.say(f"MAIL FROM:<{sender}>", 250)
        c.send(f"RCPT TO:<{rcpt}@localhost>\r\n".encode())
        got = c.reply()
        c.say("RSET", 250)
        return got.code

    def test_networks(self):
        self.assertEqual([self.asks(self.come(s), "open") for s in ("192.0.2.9", "2001:db8::9")], [250, 250])
        self.assertEqual([self.asks(self.come(s), "open") for s in ("198.51.100.9", "2001:db9::9")], [550, 550])
        self.assertEqual(self.asks(self.come("192.0.2.9"), "postmaster"), 250)
        self.assertEqual(self.asks(self.come("198.51.100.9"), "postmaster"), 250)

    def test_users(self):
        self.assertEqual(self.asks(self.come("198.51.100.9", tls=True), "for-ada"), 530)
        self.assertEqual(self.asks(self.come("198.51.100.9", tls=True, user=USER), "for-ada"), 250)
        self.assertEqual(self.asks(self.come("198.51.100.9", tls=True, user=USER), "open"), 550)

    def test_senders(self):
        """They count under TLS only."""
        clear, tls = self.come("198.51.100.9"), self.come("198.51.100.9", tls=True)
        for sender, code in (("friend@client.test", 250), ("Friend@Client.Test", 250), ("any@friends.test", 250),
                             ("foe@client.test", 550), ("", 550)):
            self.assertEqual(self.asks(tls, "by-name", sender), code, sender)
            self.assertNotEqual(self.asks(clear, "by-name", sender), 250, sender)


class Again(SmtpCase):
    """The client did not see its 250 and sends once more."""
    QUEUES = ("q", "plain")
    SECTIONS = {"smtp.queue.q": {"dedup": "yes"}}
    BODY = b"Message-ID: <1@client.test>\r\nSubject: once\r\n\r\nonce\r\n"

    def send(self, mail, rcpts="q@localhost", **more):
        with self.wire() as c:
            c.hello()
            return c.mail(rcpts, mail, **more).ids()

    def test_dedup(self):
        first = self.send(self.BODY)
        self.assertEqual(self.send(b"Received: by another way\r\n" + self.BODY), first)
        self.rig.broker.kill()
        self.rig.broker.start()
        self.rig.accepts()
        self.assertEqual(self.send(self.BODY), first)
        for other in (self.send(self.BODY + b"more\r\n"), self.send(self.BODY, sender="other@client.test"),
                      self.send(self.BODY.replace(b"<1@", b"<2@"))):
            self.assertNotEqual(other, first)
        self.assertEqual(len(self.jobs("q")), 4)

    def test_some_queues_know_it(self):
        first = self.send(self.BODY.replace(b"<1@", b"<3@"))
        both = self.send(self.BODY.replace(b"<1@", b"<3@"), ["q@localhost", "plain@localhost"])
        self.assertEqual((both[0], len(both)), (first[0], 2))
        self.assertEqual([len(x) for x in self.jobs("q", "plain")], [1, 1])


if __name__ == "__main__":
    import unittest
    unittest.main()
