"""Bad input of every kind: a clear error, and nothing lost."""
import os
import random
import signal
import socket
import struct
import subprocess
import time

from harness import Broker, Case, Process, Worker, program, queue, sheaf, wait_until

SEED = int(os.environ.get("SEED", str(int(time.time()))))

# Bytes that look like something: MessagePack with claims that do not hold, ZMTP greetings, HTTP, nothing.
FRAMES = [
    b"", b"\x00", b"\xc1", b"\x90", b"\x91\x01", b"\x96\x01\x02\x00\x00\x00\x00", b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x97\x01\x02\x00\xcf", b"\x91" * 5000, b"\x81" * 5000,
    b"\x97\x01\x02\x00\x00\x00\x01\xdd\xff\xff\xff\xff", b"\x97\x01\x02\x00\x00\x00\x01\xc6\x7f\xff\xff\xff",
    b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"A" * 70000,
]


def frames(rng, count):
    """Garbage, some of it random, some of it nearly right."""
    for f in FRAMES:
        yield f
    for _ in range(count):
        kind = rng.choice([1, 2, 3, 4, 10, 11, 64, 65, 66, 67, 68, 96, 97, 112, rng.randrange(256)])
        head = bytes([0x90 + rng.randrange(6, 12), rng.choice([0, 1, 1, 1, 2]), kind, 0])
        head += b"".join(b"\xcf" + rng.randbytes(8) for _ in range(3)) if rng.random() < 0.8 else b""
        yield head + rng.randbytes(rng.choice([0, 1, 5, 40, 300]))


class Garbage(Case):
    def still_works(self, broker):
        self.assertTrue(broker.running(), broker.tail())
        self.expect(0, broker, "ping")
        done = self.expect(0, broker, "map", "q", "--ordered", input="".join(f"{i}\n" for i in range(500)))
        self.assertEqual(done.stdout.split(), [str(i) for i in range(500)])

    def setUp(self):
        super().setUp()
        print(f"SEED={SEED}", flush=True)
        self.rng = random.Random(SEED)
        self.b = self.broker()
        self.worker(self.b, "q", "-j", 2, "--builtin", "echo")
        self.ids = self.expect(0, self.b, "submit", "other", "--lines", input="a\nb\nc\n").stdout.split()

    def tearDown(self):
        super().tearDown()
        if self.troubles() == self.troubles_before:
            self.still_works(self.b)
            self.assertEqual(queue(self.b, "other")["ready"], 3)
            self.b.stop()

    def ports(self):
        """Every port that the broker has bound; the first of those for workers is in use."""
        return [*self.b.ports.values(), self.b.job_ports[0]]

    def test_raw_tcp(self):
        greeting = b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + b"\x00" * 16 + b"\x00" + b"\x00" * 31
        for port in self.ports():
            for n in range(40):
                data = [self.rng.randbytes(self.rng.choice([0, 1, 10, 64, 4096])), b"GET / HTTP/1.1\r\n\r\n", greeting,
                        greeting + self.rng.randbytes(200), greeting + b"\x06\xff\xff\xff\xff\xff\xff\xff\xff",
                        greeting[:n]][n % 6]
                try:
                    with socket.create_connection(("127.0.0.1", port), 5) as s:
                        s.sendall(data)
                        if n % 3 == 0:
                            s.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # the broker may close on us at any moment
            self.assertTrue(self.b.running(), f"after garbage on port {port}")

    def test_frames(self):
        import zmq
        context = zmq.Context()
        try:
            for kind, port in ((zmq.DEALER, "listen"), (zmq.DEALER, "workers"), (zmq.PUSH, "results"),
                               (zmq.REQ, "listen"), (zmq.SUB, "results")):
                s = context.socket(kind)
                s.linger = 2000
                s.sndtimeo = 5000
                s.connect(f"tcp://127.0.0.1:{self.b.ports[port]}")
                if kind in (zmq.DEALER, zmq.PUSH):
                    for f in frames(self.rng, 1500):
                        s.send_multipart([f] if self.rng.random() < 0.9 else [f, b"", f])
                elif kind == zmq.REQ:
                    s.send(b"hello?")
                self.expect(0, self.b, "ping")
                s.close()
                self.assertTrue(self.b.running(), f"after garbage on {port}")
        finally:
            context.destroy(linger=0)

    def test_a_stranger_takes_the_jobs_socket(self):
        """A PULL that connects to a worker's jobs port is no worker: what goes astray to it is granted again."""
        import zmq
        context = zmq.Context()
        try:
            stranger = context.socket(zmq.PULL)
            stranger.connect(f"tcp://127.0.0.1:{self.b.job_ports[0]}")
            time.sleep(0.3)
            done = self.expect(0, self.b, "map", "q", input="".join(f"{i}\n" for i in range(2000)))
            self.assertEqual(sorted(map(int, done.stdout.split())), list(range(2000)))
        finally:
            context.destroy(linger=0)


class Data(Case):
    def refuses(self, broker, *words):
        """The broker does not start, and its error names these words."""
        broker.start(ready=False)
        status = broker.wait()
        said = broker.stderr()
        self.assertNotEqual(status, 0, said)
        self.assertGreater(status, 0, f"killed by a signal: {said}")
        self.assertRegex(said, "(?m)^sheafd: ")
        for w in words:
            self.assertRegex(said, w)
        self.assertNotIn("sheafd ready", said)

    def test_in_use(self):
        first = self.broker()
        ids = self.expect(0, first, "submit", "q", "--lines", input="1\n2\n").stdout.split()
        self.refuses(self.own(Broker(self.dir, data=first.data)), "in use|another", "data")
        self.worker(first, "q", "--builtin", "echo")
        self.expect(0, first, "wait", *ids)
        first.stop()

    def test_address_in_use(self):
        first = self.broker()
        second = self.own(Broker(self.dir, data=f"{self.dir}/data2"))
        second.ports = first.ports
        self.refuses(second, str(first.ports["listen"]))

    def test_no_directory(self):
        open(f"{self.dir}/file", "w").close()
        self.refuses(self.own(Broker(self.dir, data=f"{self.dir}/file/data")), "file/data")
        self.refuses(self.own(Broker(self.dir, data=f"{self.dir}/file")), "file")

    def test_not_writable(self):
        folder = f"{self.dir}/locked"
        os.mkdir(folder)
        if os.geteuid() != 0:
            os.chmod(folder, 0o500)
            self.refuses(self.own(Broker(self.dir, data=folder)), "locked")
            return
        space = self.own(Space(self.dir, folder, "ro,size=8m"))
        if not space.mounted:
            self.skipTest(f"no mount namespace here: {space.tail()}")
        self.refuses(space.inside(Broker(self.dir, data=folder)), "locked")

    def test_newer_journal(self):
        """A journal of a newer version is refused, and left alone."""
        broker = self.broker()
        self.expect(0, broker, "submit", "q", "x")
        broker.stop()
        segments = sorted(f for f in os.listdir(broker.data) if f.endswith(".seg") and not f.startswith("pool"))
        path = os.path.join(broker.data, segments[0])
        with open(path, "r+b") as f:
            head = f.read(4096)
            f.seek(0)
            f.write(newer_segment_header(head))
        with open(path, "rb") as f:
            before = f.read(1 << 20)
        self.refuses(broker, "version")
        with open(path, "rb") as f:
            self.assertEqual(f.read(1 << 20), before, "the refused journal was changed")
        with open(path, "r+b") as f:
            f.write(head)
        broker.start()
        self.assertEqual(queue(broker, "q")["ready"], 1)
        broker.stop()


def crc32c(data):
    """CRC-32C, bit by bit, as in RFC 3720."""
    c = 0xffffffff
    for byte in data:
        c ^= byte
        for _ in range(8):
            c = (c >> 1) ^ (0x82f63b78 if c & 1 else 0)
    return c ^ 0xffffffff


def newer_segment_header(head):
    """A segment's first bytes with a version that this broker cannot know (broker/journal/store.c: the version at
    8, a CRC-32C of the 60 bytes before it at 60)."""
    changed = head[:8] + struct.pack("<I", 99) + head[12:60]
    return changed + struct.pack("<I", crc32c(changed)) + head[64:]


class Space(Process):
    """A mount namespace with a small file system at `path`; what is started inside sees it. Needs root."""

    def __init__(self, folder, path, options):
        super().__init__(folder, "space")
        script = f"mount -t tmpfs -o {options} none {path} && echo mounted && exec sleep 100000"
        self.spawn(["unshare", "-m", "sh", "-c", script])
        wait_until(lambda: "mounted" in self.stdout() or not self.running(), what="the mount")
        self.mounted = self.running()

    def inside(self, broker):
        plain = broker.command
        broker.command = lambda: ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", *plain()]
        return broker


class Full(Case):
    """A disk that is full, and a cap that is reached: `full`, exit 4, and everything accepted is there."""
    TIMEOUT = 300

    def setUp(self):
        super().setUp()
        with open(f"{self.dir}/in", "w") as f:  # 400 MB in jobs of 8 KB
            for i in range(50000):
                f.write(f"{i:08d}" + "z" * 8000 + "\n")

    def fill(self, broker):
        """Submits until refused; returns the ids of what was accepted."""
        submit = self.command(broker, "submit", "q", "--lines", stdin=f"{self.dir}/in")
        self.assertEqual(submit.wait(120), 4, submit.tail())
        self.assertRegex(submit.stderr(), r"(?m)^sheaf: .*full")
        ids = submit.stdout().split()
        self.assertTrue(ids)
        for _ in range(100):  # that was refused in messages of many jobs; single ones may still find room, not for long
            done = sheaf(broker, "submit", "q", "z" * 100000)
            ids += done.stdout.split()
            if done.returncode != 0:
                break
        self.assertEqual((done.returncode, done.stdout), (4, ""), done.stderr)
        self.assertEqual(len(set(ids)), len(ids))
        return ids

    def drain(self, broker, ids):
        """Everything accepted is done; then there is room again."""
        worker = self.worker(broker, "q", "-j", 2, "--builtin", "noop")
        # kept results are the first to go when the disk is full, so the counts say it, not `wait`
        wait_until(lambda: queue(broker, "q")["done"] >= len(ids), 120, what="every job to be done")
        q = queue(broker, "q")
        self.assertEqual((q["ready"], q["running"]), (0, 0), q)
        wait_until(lambda: sheaf(broker, "submit", "q", "again").returncode == 0, what="room on the disk")
        worker.stop()
        broker.stop()

    def test_disk(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small disk needs root")
        folder = f"{self.dir}/disk"
        os.mkdir(folder)
        space = self.own(Space(self.dir, folder, "size=360m"))
        if not space.mounted:
            self.skipTest(f"no mount namespace here: {space.tail()}")
        broker = self.own(space.inside(Broker(self.dir, data=f"{folder}/data"))).start()
        ids = self.fill(broker)
        broker.kill()
        broker.start()
        self.assertEqual(queue(broker, "q")["ready"], len(ids))
        self.drain(broker, ids)

    def test_cap(self):
        broker = self.broker(disk="512M")
        self.drain(broker, self.fill(broker))


class Usage(Case):
    """Unknown flags and words that are no values: exit 2, the program's name, and the word that was wrong."""

    def fails(self, status, argv, *words, env=None, input=""):
        done = subprocess.run([program(argv[0]), *argv[1:]], capture_output=True, text=True, input=input, timeout=60)
        shown = f"{' '.join(argv)[:200]}: {done.returncode}\n{done.stderr[:2000]}"
        self.assertEqual(done.returncode, status, shown)
        self.assertEqual(done.stdout, "", shown)
        self.assertTrue(done.stderr.startswith(argv[0] + ": "), shown)
        for w in words:
            self.assertIn(w, done.stderr, shown)

    def test_flags(self):
        data = f"{self.dir}/data"
        self.fails(2, ["sheafd"], "--data")
        self.fails(2, ["sheafd", "--data", data, "--memry", "1G"], "--memry", "--memory")
        self.fails(2, ["sheafd", "--data", data, "--memory", "lots"], "lots")
        self.fails(2, ["sheafd", "--data", data, "--fsync", "sometimes"], "sometimes")
        self.fails(2, ["sheafd", "--data", data, "--listen", "nonsense"], "nonsense")
        self.fails(2, ["sheafd", "--data", data, "--http", "127.0.0.1:7480"], "--http")
        self.fails(2, ["sheaf-worker"], "")
        self.fails(2, ["sheaf-worker", "q"], "")
        self.fails(2, ["sheaf-worker", "q", "--builtin", "ecko"], "ecko")
        self.fails(2, ["sheaf-worker", "q", "-j", "none", "--builtin", "echo"], "none")
        self.fails(2, ["sheaf-worker", "Bad Queue", "--builtin", "echo"], "Bad Queue")
        self.fails(2, ["sheaf-worker", "q", "--grase", "1s", "--builtin", "echo"], "--grase", "--grace")
        self.fails(2, ["sheaf", "sbmit", "q"], "sbmit", "submit")
        self.fails(2, ["sheaf", "submit"], "")
        self.fails(2, ["sheaf", "submit", "q", "x", "--priorty", "1"], "--priorty", "--priority")
        self.fails(2, ["sheaf", "submit", "q", "x", "--priority", "10"], "10")
        self.fails(2, ["sheaf", "submit", "q", "x", "--timeout", "soon"], "soon")
        self.assertFalse(os.path.exists(data))

    def test_broker_not_there(self):
        free = Broker(self.dir).url
        for argv in (["ping"], ["submit", "q", "x"], ["run", "q", "x"], ["map", "q"], ["queues"], ["wait", "1"]):
            self.fails(3, ["sheaf", argv[0], "--broker", free, "--timeout", "1s", *argv[1:]], free, input="x\n")

    def test_names_and_sizes(self):
        broker = self.broker()
        for name in ("UPPER", "-dash", "a b", "x" * 57, "ümlaut"):
            done = sheaf(broker, "submit", "--", name, "x")
            self.assertIn(done.returncode, (2, 4), f"{name}: {done.stderr}")
            self.assertTrue(done.stderr.startswith("sheaf: "), done.stderr)
        with open(f"{self.dir}/large", "wb") as f:
            f.truncate(16 * 1024 * 1024 + 1)
        large = self.command(broker, "submit", "q", stdin=f"{self.dir}/large")
        self.assertIn(large.wait(), (2, 4), large.tail())
        self.assertRegex(large.stderr(), r"(?m)^sheaf: .*16")
        os.truncate(f"{self.dir}/large", 16 * 1024 * 1024)
        largest = self.command(broker, "submit", "q", stdin=f"{self.dir}/large")
        self.assertEqual(largest.wait(), 0, largest.tail())
        self.worker(broker, "q", "--builtin", "echo")
        job = largest.stdout().strip()
        self.expect(0, broker, "wait", job)
        self.assertEqual(len(self.expect(0, broker, "result", job, text=False).stdout), 16 * 1024 * 1024)
        self.assertEqual(queue(broker, "q")["submitted"], 1)

    def test_unknown_things(self):
        broker = self.broker()
        self.expect(4, broker, "wait", "999999")
        self.expect(4, broker, "result", "999999")
        self.expect(4, broker, "job", "999999")
        self.expect(4, broker, "queue", "nowhere")
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        self.expect(4, broker, "result", job)
        self.expect(124, broker, "wait", job, "--timeout", "300ms")

    def test_a_worker_waits_for_its_broker(self):
        broker = self.own(Broker(self.dir))
        worker = self.own(Worker(broker, "q", "--builtin", "echo")).start(ready=False)
        broker.start()
        worker.wait_line("^sheaf-worker ready")
        self.assertEqual(self.expect(0, broker, "run", "q", "hello").stdout, "hello")
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
