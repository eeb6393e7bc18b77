"""The NSQ edge as a part of sheafd: where it listens, what it refuses at the start, how it ends."""
import os
import resource
import signal
import socket
import ssl
import subprocess
import threading

from harness import Broker, Case, free_ports, program, wait_until
from nsq_case import make_certificate, trusting
from nsq_client import Closed, NsqClient, Refused


class Edge(Case):
    def edge(self, **flags):
        flags.setdefault("nsq", f"127.0.0.1:{free_ports(1)}")
        return self.broker(**flags)

    def client(self, broker, **more):
        c = NsqClient(broker.ready["nsq"], **more)
        self.addCleanup(c.close)
        return c

    def refused(self, *flags):
        """sheafd ends with these; its exit status and what it says."""
        args = [program("sheafd"), "--data", os.path.join(self.dir, "refused"), *flags]
        for name in ("listen", "results", "workers"):
            args += [f"--{name}", "tcp://127.0.0.1:*"]
        done = subprocess.run(args, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    def test_ready_names_it(self):
        broker = self.edge(nsq="localhost:0", nsq_http="127.0.0.1:0")
        self.assertRegex(broker.ready["nsq"], r"^localhost:[1-9]\d*$")
        self.assertRegex(broker.ready["nsq-http"], r"^127.0.0.1:[1-9]\d*$")
        c = self.client(broker)
        c.sub("t", "c", rdy=1)
        c.pub("t", b"hello")
        m = c.message()
        self.assertEqual((m.body, m.attempts), (b"hello", 1))
        c.fin(m)

    def test_refused_at_the_start(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        at = "127.0.0.1:%d" % taken.getsockname()[1]
        status, said = self.refused("--nsq", at)
        self.assertEqual(status, 1)
        self.assertIn(f"sheafd: --nsq: cannot listen on {at}: address already in use", said)
        status, said = self.refused("--nsq", "127.0.0.1:0", "--nsq-tls-cert", "/nowhere/c",
                                    "--nsq-tls-key", "/nowhere/k")
        self.assertEqual(status, 1)
        self.assertIn("sheafd: --nsq-tls-cert: /nowhere/c: No such file or directory", said)
        status, said = self.refused("--nsq", "0.0.0.0:0")
        self.assertEqual(status, 2)
        self.assertIn("--insecure", said)

    def test_client_certificates(self):
        cert, key = make_certificate(self.dir)
        other = os.path.join(self.dir, "other")
        os.mkdir(other)
        other_cert, other_key = make_certificate(other)
        broker = self.edge(nsq_tls_cert=cert, nsq_tls_key=key, nsq_tls_client_auth="require-verify", nsq_tls_ca=cert,
                           nsq_tls_min_version="tls1.3")
        good = trusting(cert)
        good.load_cert_chain(cert, key)
        c = self.client(broker)
        c.identify(tls=good)
        self.assertEqual(c.sock.version(), "TLSv1.3")
        c.pub("t", b"x")
        plain = self.client(broker)
        plain.command("PUB", "t", body=b"x")
        self.assertIn("TLS required", plain.error())
        stranger = trusting(cert)
        stranger.load_cert_chain(other_cert, other_key)
        for context in (trusting(cert), stranger):
            with self.assertRaises((Closed, Refused, OSError, ssl.SSLError)):
                self.client(broker).identify(tls=context)
        c.pub("t", b"x")

    def test_drain(self):
        """SIGTERM: no new messages and clients; what is in flight can be finished; then it ends with 0."""
        broker = self.edge(grace="50s")
        out, busy, idle = self.client(broker), self.client(broker), self.client(broker)
        busy.sub("t", "c", rdy=2)
        for i in range(4):
            out.pub("t", b"%d" % i)
        held = busy.take(2)
        broker.signal(signal.SIGTERM)
        self.assertEqual(idle.ended(), [])
        with self.assertRaises(OSError):
            wait_until(lambda: self.client(broker) and False)
        busy.fin(held[0])
        busy.fin(held[1])
        self.assertEqual(busy.ended(), [])
        self.assertEqual(broker.wait(), 0)
        broker.start()
        again = self.client(broker)
        again.sub("t", "c", rdy=10)
        self.assertEqual([m.body for m in again.take(2)], [b"2", b"3"])
        self.assertIsNone(again.message(0.3))

    def test_journal_fails(self):
        """Whoever publishes then is told so, and nobody is told OK."""
        class Failing(Broker):
            def command(self):
                return ["env", "--ignore-signal=XFSZ", *super().command()]

        broker = self.own(Failing(self.dir, nsq=f"127.0.0.1:{free_ports(1)}")).start()
        c = self.client(broker)
        c.pub("t", b"before")
        resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        c.command("PUB", "t", body=b"after")
        self.assertRegex(c.error(), "^E_PUB_FAILED ")
        self.assertEqual(c.ended(), [])
        self.assertEqual(broker.wait(), 1)
        broker.start()
        c = self.client(broker)
        c.sub("t", "c", rdy=10)
        self.assertEqual(c.message().body, b"before")

    def test_idle_by_the_hundred(self):
        """Idle clients of all kinds while others work, then all go at once."""
        broker = self.edge()
        idle = [self.client(broker) for _ in range(300)]
        for i, c in enumerate(idle):
            c.sub(f"idle.{i % 20}", f"c{i}", rdy=1)
        out, inn = self.client(broker), self.client(broker)
        inn.sub("busy", "c", rdy=200)
        sender = threading.Thread(target=lambda: [out.mpub("busy", [b"%d" % i] * 100) for i in range(50)])
        sender.start()
        for _ in range(5000):
            inn.fin(inn.message())
        sender.join()
        for c in idle:
            c.close()
        out.pub("busy", b"last")
        self.assertEqual(inn.message().body, b"last")
