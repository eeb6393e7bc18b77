"""kill -9 of the broker, and of sheaf-smtpd where it stands apart, while many clients send: every mail that got its 250
is a job, once, whole, and in all of its queues or in none.

ROUNDS is the number of rounds: 3 in CI, 100 by hand."""
import collections
import os
import random
import threading
import time

from harness import wait_until
from smtp_client import Gone, Wire
from smtp_jobs import mail_of
from smtp_rig import SmtpCase

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
SENDERS, MAILS_OF_A_SESSION = 12, 20
QUEUES = ("a", "b")


def mail(number):
    """Small ones, some of 100 KB, few of 2 MB."""
    size = 2000000 if number % 211 == 0 else 100000 if number % 23 == 0 else 300
    line = b"%08d " % number * 8 + b"\r\n"
    return b"Message-ID: <%d@kill.test>\r\n\r\n" % number + line * (size // len(line))


def queues_of(number):
    return QUEUES if number % 5 == 0 else (QUEUES[number % 2],)


class Sender(threading.Thread):
    """Sends numbered mails, each once, until it is stopped or its connection ends."""

    def __init__(self, load):
        super().__init__(daemon=True)
        self.load, self.trouble = load, None

    def run(self):
        while not self.load.stopping.is_set() and self.trouble is None:
            try:
                with Wire(self.load.address) as c:
                    c.hello()
                    for _ in range(MAILS_OF_A_SESSION):
                        if self.load.stopping.is_set():
                            return
                        self.one(c)
            except (Gone, OSError):
                time.sleep(0.02)
            except BaseException as e:
                self.trouble = e

    def one(self, c):
        number = self.load.number()
        rcpts = b"".join(b"RCPT TO:<%s@localhost>\r\n" % q.encode() for q in queues_of(number))
        c.send(b"MAIL FROM:<%d@kill.test>\r\n" % number + rcpts + b"DATA\r\n")
        replies = [c.reply() for _ in range(2 + len(queues_of(number)))]
        if not all(r.is_a(250) for r in replies[:-1]) or not replies[-1].is_a(354):
            # the broker is away; a mail to one of two queues would not be what was meant
            if replies[-1].is_a(354):
                raise Gone("half of the recipients")
            c.say("RSET", 250)
            return
        c.send(mail(number) + b".\r\n")
        got = c.expect((250, 451, 421))
        if got.code == 250:
            self.load.accepted[number] = got.ids()


class Load:
    def __init__(self, address):
        self.address, self.stopping, self.lock = address, threading.Event(), threading.Lock()
        self.next, self.accepted, self.senders = 0, {}, []

    def number(self):
        with self.lock:
            self.next += 1
            return self.next

    def start(self):
        self.stopping.clear()
        self.senders = [Sender(self) for _ in range(SENDERS)]
        for s in self.senders:
            s.start()

    def check(self):
        for s in self.senders:
            if s.trouble:
                raise s.trouble

    def stop(self):
        self.stopping.set()
        for s in self.senders:
            s.join(90)
            if s.is_alive():
                raise AssertionError("a connection hangs")
        self.check()


class Kill(SmtpCase):
    QUEUES = QUEUES
    TIMEOUT = 120 + 30 * ROUNDS
    OPTIONS = {"answer": "10s"}

    def setUp(self):
        print(f"SEED={SEED}", flush=True)
        self.rng = random.Random(SEED)
        self.load = Load(self.rig.smtp)
        self.found = collections.defaultdict(dict)  # number: {queue: id}

    def kill_one(self):
        self.rig.broker.kill()
        return self.rig.broker

    def test_rounds(self):
        for n in range(ROUNDS):
            self.load.start()
            target = len(self.load.accepted) + self.rng.randrange(50, 2000)
            wait_until(lambda: self.load.check() or len(self.load.accepted) >= target, what="mails to be accepted")
            killed = self.kill_one()
            at = len(self.load.accepted)
            killed.start()
            wait_until(lambda: self.load.check() or len(self.load.accepted) > at, what="mail to be taken again")
            self.load.stop()
            self.rig.accepts()
            self.look()
            print(f"round {n}: killed {killed.name} after {at} of {len(self.load.accepted)} accepted, "
                  f"{self.load.next} sent, {len(self.found)} there", flush=True)

    def look(self):
        for q, jobs in zip(QUEUES, self.jobs(*QUEUES)):
            for j in jobs:
                number = int(j.headers["message_id"].strip("<>").partition("@")[0])
                self.assertNotIn(q, self.found[number], f"mail {number} is there twice")
                self.assertEqual(mail_of(j), mail(number), f"mail {number} is not what was sent")
                self.found[number][q] = j.id
        for number, ids in self.found.items():
            self.assertEqual(set(ids), set(queues_of(number)), f"mail {number} is in {ids}")
        for number, ids in self.load.accepted.items():
            self.assertEqual(sorted(self.found[number].values()), sorted(ids),
                             f"mail {number} got its 250; SEED={SEED}")


class KillApart(Kill):
    """The broker or sheaf-smtpd, as it comes."""
    APART = True

    def kill_one(self):
        victim = self.rng.choice((self.rig.broker, self.rig.smtpd))
        victim.kill()
        return victim


if __name__ == "__main__":
    import unittest
    unittest.main()
