"""Keys, with real processes: the main job encrypted, what each role may, who is kept out and hears why, and what a
SIGHUP changes."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import msgpack
import zmq

import sheaf_client
from harness import Broker, Case, Worker, environment, program, sheaf, wait_until


def keygen(*args, status=0):
    done = subprocess.run([program("sheaf"), "keygen", *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (args, done)
    return done


def certificate(path):
    with open(path) as f:
        words = dict(re.findall(r'^    ([\w-]+) = "(.*)"$', f.read(), re.M))
    return words


class Keys(Case):
    def setUp(self):
        super().setUp()
        self.keys = os.path.join(self.dir, "keys")
        keygen(self.keys)

    def add(self, name, role):
        keygen(self.keys, "--add", name, "--role", role)
        return os.path.join(self.keys, name)

    def stranger(self):
        """Keys of our own making, with the broker's public key."""
        other = os.path.join(self.dir, "other")
        if not os.path.exists(other):
            keygen(other)
            shutil.copy(f"{self.keys}/broker.key", f"{other}/broker.key")
        return other

    def start(self, **flags):
        return self.broker(keys=self.keys, **flags)

    def work(self, broker, queues="q", keys=None, **more):
        return self.worker(broker, queues, "-j", "2", "--keys", keys or self.keys, "--", "tr", "a-z", "A-Z", **more)

    def says(self, status, broker, words, *args, **more):
        done = self.expect(status, broker, *args, **more)
        for w in words:
            self.assertIn(w, done.stderr)
        return done


class MainJob(Keys):
    def test_map(self):
        second, web = self.add("w2", "work"), self.add("web", "submit")
        broker = self.start()
        self.work(broker)
        self.work(broker, keys=second)
        lines = "".join(f"line {i}\n" for i in range(3000))
        done = self.expect(0, broker, "map", "q", "--ordered", "--keys", self.keys, input=lines)
        self.assertEqual(done.stdout, lines.upper())
        self.assertEqual(self.expect(0, broker, "run", "q", "hello", "--keys", web).stdout, "HELLO")
        broker.restart()
        self.assertEqual(self.expect(0, broker, "run", "q", "again", "--keys", self.keys).stdout, "AGAIN")

    def test_python(self):
        """A client and a worker written from PROTOCOL.md, with keys."""
        broker = self.start()
        server = certificate(f"{self.keys}/broker.key")["public-key"]

        def keys(name):
            own = certificate(f"{self.keys}/{name}.key_secret")
            return [k.encode() for k in (server, own["public-key"], own["secret-key"])]
        worker = sheaf_client.Worker(f"tcp://127.0.0.1:{broker.ports['workers']}", ["q"], bytes.upper,
                                     keys=keys("worker"))
        thread = threading.Thread(target=worker.run, args=(1,))
        thread.start()
        client = sheaf_client.Client(broker.url, keys=keys("client"))
        job, = client.submit("q", [b"hello"])
        self.assertEqual(client.wait([job])[job].result, b"HELLO")
        thread.join()
        client.bye()
        denied = sheaf_client.Client(broker.url, keys=keys("worker"))
        self.addCleanup(denied.close)
        with self.assertRaises(sheaf_client.Refused) as refused:
            denied.submit("q", [b"x"])
        self.assertEqual(refused.exception.args[0], 14)
        self.assertIn("is work, and this needs submit or admin", refused.exception.args[1])

    def test_keygen_never_overwrites(self):
        before = certificate(f"{self.keys}/broker.key_secret")
        self.assertIn("already", keygen(self.keys, status=1).stderr)
        self.assertEqual(certificate(f"{self.keys}/broker.key_secret"), before)
        self.add("web", "submit")
        self.assertIn("already", keygen(self.keys, "--add", "web", "--role", "read", status=1).stderr)
        self.assertIn("king", keygen(self.keys, "--add", "x", "--role", "king", status=2).stderr)
        self.assertIn("--role", keygen(self.keys, "--add", "x", status=2).stderr)
        for folder, _, files in os.walk(self.keys):
            self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
            for f in files:
                if f.endswith("_secret"):
                    self.assertEqual(os.stat(os.path.join(folder, f)).st_mode & 0o777, 0o600)

    def test_bad_keys_are_named(self):
        nobody = self.own(Broker(self.dir))
        missing = self.own(Broker(self.dir, keys=f"{self.dir}/nowhere")).start(ready=False)
        self.assertEqual(missing.wait(), 1)
        self.assertIn("nowhere", missing.stderr())
        self.says(2, nobody, ["nowhere"], "ping", "--keys", f"{self.dir}/nowhere")
        os.chmod(f"{self.keys}/client.key_secret", 0o644)
        self.says(2, nobody, ["client.key_secret", "chmod 600"], "ping", "--keys", self.keys)
        os.chmod(f"{self.keys}/broker.key_secret", 0o644)
        loose = self.own(Broker(self.dir, keys=self.keys)).start(ready=False)
        self.assertEqual(loose.wait(), 1)
        self.assertIn("chmod 600", loose.stderr())


class Roles(Keys):
    def test_roles(self):
        broker = self.start()
        self.work(broker)
        submit, read, work = self.add("web", "submit"), self.add("eye", "read"), self.add("w2", "work")
        broker.signal(signal.SIGHUP)
        wait_until(lambda: "clients=5" in broker.stderr(), what="the new keys")
        job = self.expect(0, broker, "submit", "q", "x", "--keys", submit).stdout.strip()
        everybody = (self.keys, submit, read, work)
        for keys in everybody:
            self.expect(0, broker, "ping", "--keys", keys)
        may = [(("wait", job), (submit, read)), (("result", job), (submit, read)), (("job", job), (submit, read)),
               (("submit", "q", "y"), (submit,)), (("run", "q", "y"), (submit,)),
               (("queues",), (read,)), (("queue", "q"), (submit, read)), (("queue", "q", "peek"), (read,)),
               (("workers",), (read,)), (("stats",), (read,)), (("queue", "q", "pause"), ()),
               (("queue", "q", "purge"), ()), (("queue", "q", "resume"), ())]
        for command, allowed in may:
            for keys in everybody:
                if keys in allowed or keys == self.keys:
                    self.expect(0, broker, *command, "--keys", keys)
                else:
                    role = "submit" if keys == submit else "read" if keys == read else "work"
                    self.says(4, broker, [f"is {role}", "needs", "admin"], *command, "--keys", keys)
        for keys, role in ((submit, "submit"), (read, "read")):
            worker = self.own(Worker(broker, "q", "--keys", keys, "--builtin", "echo")).start(ready=False)
            self.assertEqual(worker.wait(), 4)
            self.assertRegex(worker.stderr(), f"(?m)^sheaf-worker: .*is {role}, and this needs work or admin")
        self.assertRegex(broker.stderr(), r"denied key=web ")
        done = self.expect(0, broker, "doctor", "--keys", submit)
        self.assertRegex(done.stdout, r"(?m)^ok +keys +.*encrypted")
        self.assertRegex(done.stdout, r"(?m)^warn +queues .*is submit, and this needs read or admin")


class Strangers(Keys):
    def test_who_is_not_known(self):
        broker = self.start()
        self.work(broker)
        for _ in range(3):
            self.says(4, broker, ["refused by the broker: this key is not known to it"], "ping", "--keys",
                      self.stranger())
        worker = self.own(Worker(broker, "q", "--keys", self.stranger(), "--builtin", "echo")).start(ready=False)
        self.assertEqual(worker.wait(), 4)
        self.assertIn("refused by the broker: this key is not known to it", worker.stderr())
        stats = json.loads(self.expect(0, broker, "stats", "--json", "--keys", self.keys).stdout)
        self.assertGreaterEqual(stats["keys.refused"], 4)
        self.assertEqual((stats["keys.admitted"], stats["keys.denied"]), (2, 0))
        lines = re.findall(r"key-refused address=127.0.0.1 .*", broker.stderr())
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(certificate(f"{self.stranger()}/client.key")["public-key"], lines[0])

    def test_who_has_no_keys(self):
        broker = self.start()
        self.says(4, broker, ["wants keys", "--keys DIR"], "ping")
        worker = self.own(Worker(broker, "q", "--builtin", "echo")).start(ready=False)
        self.assertEqual(worker.wait(), 4)
        self.assertIn("--keys DIR", worker.stderr())

    def test_a_broker_without_keys(self):
        self.says(4, self.broker(), ["has no keys"], "ping", "--keys", self.keys)

    def test_another_brokers_key(self):
        broker = self.start()
        shutil.copy(f"{self.stranger()}/client.key", f"{self.keys}/broker.key")
        self.says(3, broker, ["broker.key"], "ping", "--keys", self.keys, "--timeout", "1s")

    def test_plain_zmq_hears_nothing(self):
        broker = self.start()
        context = zmq.Context()
        try:
            for port in broker.ports.values():
                s = context.socket(zmq.DEALER)
                s.linger = 0
                s.connect(f"tcp://127.0.0.1:{port}")
                s.send(msgpack.packb([1, sheaf_client.CLIENT_HELLO, 0, 0, 7, 0, 1, 1, 0, "x"]))
                self.assertEqual(s.poll(300), 0)
                s.close()
        finally:
            context.term()
        self.expect(0, broker, "ping", "--keys", self.keys)

    def test_garbage_harms_nobody(self):
        broker = self.start()
        self.work(broker)
        greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE".ljust(64, b"\0")
        for junk in (b"", b"GET / HTTP/1.0\r\n\r\n", os.urandom(4096), greeting,
                     greeting + b"\x04\xc8\x05HELLO" + bytes(194),
                     greeting + b"\x04\xc8\x05HELLO\x01\0" + os.urandom(192),
                     greeting + b"\x04\xff\x08INITIATE" + os.urandom(246),
                     greeting + b"\x06" + b"\xff" * 8 + os.urandom(100)):
            for port in broker.ports.values():
                with socket.create_connection(("127.0.0.1", port), 10) as s:
                    s.settimeout(0.2)
                    try:
                        s.sendall(junk)
                        s.recv(4096)
                    except OSError:
                        pass
        self.assertEqual(self.expect(0, broker, "run", "q", "fine", "--keys", self.keys).stdout, "FINE")

    def test_nobody_listens_to_anothers_jobs(self):
        """Another worker's key, and the admin's, dial the PUSH of a worker: nothing comes, and the worker gets all."""
        broker = self.start()
        spy = self.add("spy", "work")
        broker.signal(signal.SIGHUP)
        wait_until(lambda: "clients=3" in broker.stderr(), what="the new key")
        context, sockets = zmq.Context(), []
        try:
            self.work(broker)
            for keys, name in ((spy, "worker"), (self.keys, "client"), (None, None)):
                for port in range(*broker.job_ports):
                    s = context.socket(zmq.PULL)
                    s.linger = 0
                    if keys:
                        own = certificate(f"{keys}/{name}.key_secret")
                        s.curve_publickey, s.curve_secretkey = own["public-key"].encode(), own["secret-key"].encode()
                        s.curve_serverkey = certificate(f"{self.keys}/broker.key")["public-key"].encode()
                    s.connect(f"tcp://127.0.0.1:{port}")
                    sockets.append(s)
            wait_until(lambda: re.search("key-refused .*socket=jobs", broker.stderr()), what="a refusal")
            lines = "".join(f"line {i}\n" for i in range(500))
            done = self.expect(0, broker, "map", "q", "--ordered", "--keys", self.keys, input=lines)
            self.assertEqual(done.stdout, lines.upper())
            self.assertEqual([s.poll(0) for s in sockets], [0] * len(sockets))
        finally:
            context.destroy(linger=0)


class Reload(Keys):
    def hup(self, broker, clients):
        before = len(broker.stderr())
        broker.signal(signal.SIGHUP)
        wait_until(lambda: f"clients={clients} " in broker.stderr()[before:], what="the reload")

    def test_keys_come_and_go(self):
        broker = self.start()
        web = self.add("web", "submit")
        self.says(4, broker, ["not known"], "submit", "q", "x", "--keys", web)
        self.hup(broker, 3)
        self.expect(0, broker, "submit", "q", "x", "--keys", web)
        os.unlink(f"{self.keys}/clients/web.key")
        self.hup(broker, 2)
        self.says(4, broker, ["not known"], "submit", "q", "x", "--keys", web)
        # a key that was made where it is used
        shutil.copy(f"{self.stranger()}/client.key", f"{self.keys}/clients/friend.key")
        self.hup(broker, 3)
        self.expect(0, broker, "ping", "--keys", self.stranger())

    def test_environment_and_file(self):
        with open(f"{self.dir}/ini", "w") as f:
            f.write(f"keys = {self.keys}\n")
        broker = self.broker(config=f"{self.dir}/ini")
        self.own(Worker(broker, "q", "--builtin", "echo", env={"SHEAF_KEYS": self.keys})).start()
        done = subprocess.run([program("sheaf"), "run", "q", "x"], capture_output=True, text=True, timeout=60,
                              env=environment(SHEAF_KEYS=self.keys, SHEAF_BROKER=broker.url))
        self.assertEqual((done.returncode, done.stdout), (0, "x"), done.stderr)

    def test_who_is_connected_is_sent_away(self):
        """A waiting client and a worker that runs a job lose their keys: both hear it, the job goes elsewhere."""
        broker = self.start()
        web, second = self.add("web", "submit"), self.add("w2", "work")
        self.hup(broker, 4)
        worker = self.worker(broker, "q", "-j", "1", "--keys", self.keys, "--", "sleep", "600")
        waiting = self.command(broker, "run", "q", "x", "--keys", web)
        wait_until(lambda: sheaf(broker, "queue", "q", "--json", "--keys", self.keys).stdout.find('"running":1') >= 0,
                   what="the job to run")
        os.unlink(f"{self.keys}/clients/web.key")
        os.unlink(f"{self.keys}/clients/worker.key")
        self.hup(broker, 2)
        self.assertEqual(waiting.wait(), 4)
        self.assertIn("not known", waiting.stderr())
        worker.wait_line("error refused .*not known")
        self.work(broker, keys=second)
        wait_until(lambda: sheaf(broker, "result", "1", "--keys", self.keys).returncode == 0, what="the job to be done")
        self.assertEqual(sheaf(broker, "result", "1", "--keys", self.keys).stdout, "X")

    def test_under_nohup(self):
        broker = self.own(Broker(self.dir, keys=self.keys))
        args = broker.command()
        broker.command = lambda: ["nohup", *args]
        broker.start()
        self.add("web", "submit")
        self.hup(broker, 3)

    def test_a_bad_directory_changes_nothing(self):
        broker = self.start()
        with open(f"{self.keys}/clients/bad.key", "w") as f:
            f.write("nonsense")
        broker.signal(signal.SIGHUP)
        broker.wait_line("error keys-kept .*bad.key")
        self.expect(0, broker, "ping", "--keys", self.keys)


class OffLoopback(Keys):
    def test_refused_without_keys(self):
        for flag, where in (("listen", "tcp://0.0.0.0:*"), ("results", "tcp://*:*"), ("workers", "tcp://0.0.0.0:*"),
                            ("jobs", "tcp://0.0.0.0:7410-7420")):
            done = subprocess.run([program("sheafd"), "--data", f"{self.dir}/d", f"--{flag}", where],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--keys DIR", done.stderr)
            self.assertIn("--insecure", done.stderr)
        for argv in (["sheaf", "ping"], ["sheaf-worker", "q", "--builtin", "echo"]):
            done = subprocess.run([program(argv[0]), *argv[1:], "--broker", "tcp://127.0.0.1.example:7400"],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--keys DIR", done.stderr)
            self.assertIn("--insecure", done.stderr)

    def test_served_with_keys(self):
        broker = self.own(Broker(self.dir, keys=self.keys))
        args = [a.replace("127.0.0.1", "0.0.0.0") for a in broker.command()]
        broker.command = lambda: args
        broker.start()
        self.work(broker)
        self.assertEqual(self.expect(0, broker, "run", "q", "x", "--keys", self.keys).stdout, "X")
