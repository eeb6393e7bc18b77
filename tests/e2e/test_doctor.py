"""`sheaf doctor`: what it finds right and wrong, with a real broker and with one that is made up."""
import json
import os
import socket
import subprocess
import threading
import time

import msgpack
import zmq

from harness import environment, free_ports, program
from test_cli import Cli

WELCOME, QUEUE_INFO, WORKER_INFO, STATS_INFO, PONG = 32, 38, 39, 40, 36


class MadeUp:
    """A broker that says what a test wants it to say."""

    def __init__(self, results, workers, wall_ms):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.url = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.answers = {
            1: (WELCOME, [1, 0, results, workers, 1 << 24, 1024, 65536, 500, "made up"]),
            7: (QUEUE_INFO, [0, []]),
            9: (WORKER_INFO, [0, [[1, "dozy", "q", 1, 0, 0, 1, 0, 60000], [2, "idle", "q", 1, 0, 0, 1, 0, 10, 1]]]),
            10: (STATS_INFO, [[["wall_ms", wall_ms], ["disk.free_bytes", 5 << 20], ["disk.cap_bytes", 0]]]),
            11: (PONG, [0])}
        self.ends = False
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.ends:
            if not self.socket.poll(50):
                continue
            peer, frame = self.socket.recv_multipart()
            _, kind, _, _, session, number = msgpack.unpackb(frame)[:6]
            if kind in self.answers:
                answer, body = self.answers[kind]
                self.socket.send_multipart([peer, msgpack.packb([1, answer, 0, 1, session, number, *body])])

    def close(self):
        self.ends = True
        self.thread.join()
        self.socket.close(0)
        self.context.term()


class Doctor(Cli):
    def doctor(self, status, url, *args, **env):
        done = subprocess.run([program("sheaf"), "doctor", "--broker", url, *args], capture_output=True, text=True,
                              timeout=60, env=environment(**env))
        self.assertEqual((done.returncode, done.stderr), (status, ""), done.stdout)
        return done.stdout

    def checks(self, status, url, **env):
        lines = [json.loads(line) for line in self.doctor(status, url, "--json", **env).splitlines()]
        return {c["check"]: c for c in lines}, lines

    def test_a_real_broker(self):
        broker = self.broker()
        self.worker(broker, "q", "--name", "w", "--builtin", "echo")
        by_name, _ = self.checks(0, broker.url)
        for check in ("broker", "ping", "clock", "results", "control", "queues", "workers", "disk", "zeromq"):
            self.assertEqual(by_name[check]["level"], "ok", by_name[check])
        self.assertIn("sheafd", by_name["broker"]["text"])
        self.expect(0, broker, "submit", "lonely", "x")
        self.expect(0, broker, "submit", "held", "x")
        self.expect(0, broker, "queue", "held", "pause")
        self.expect(0, broker, "workers", "drain", "w")
        text = self.doctor(0, broker.url)
        self.assertRegex(text, r"(?m)^warn +queue +lonely has 1 job ready and no worker: 'sheaf-worker lonely -- ")
        self.assertRegex(text, r"(?m)^warn +queue +held has 1 job ready and is paused: 'sheaf queue held resume'")
        self.assertRegex(text, r"(?m)^warn +worker +w is drained .*: 'sheaf workers resume w'")
        self.assertRegex(text, r"(?m)^0 to mend, \d+ to look at$")
        self.assertNotRegex(self.doctor(0, broker.url, "--quiet"), r"(?m)^ok|to mend")

    def test_the_environment(self):
        broker = self.broker()
        _, lines = self.checks(0, broker.url, SHEAF_BROKR="x", SHEAF_NONSENSE_AT_ALL="1", SHEAF_PRIORITY="3",
                               SHEAF_JOB_ID="1", SHEAF_H_COLOUR="red", SHEAF_KEEP_BYTES="1M",
                               SHEAF_SMTP_TLS_CERT="c", SHEAF_SMTP_DOMAN="x", SHEAF_NSQ_LOOKUPD="x")
        found = {c["text"].split()[0]: c["advice"] for c in lines if c["check"] == "environment"}
        self.assertEqual(found, {"SHEAF_BROKR": "did you mean SHEAF_BROKER?",
                                 "SHEAF_SMTP_DOMAN": "did you mean SHEAF_SMTP_DOMAIN?",
                                 "SHEAF_NONSENSE_AT_ALL": "nothing of Sheaf reads it"})

    def test_nobody_there(self):
        by_name, _ = self.checks(1, f"tcp://127.0.0.1:{free_ports(1)}", SHEAF_TIMEOUT="500ms")
        self.assertEqual(by_name["broker"]["level"], "fail")
        self.assertIn("sheafd --data", by_name["broker"]["advice"])
        self.assertIn("files", by_name)  # and goes on with what is here
        self.fails(2, None, "doctor", "--broker", "nonsense", says="nonsense")

    def test_keys(self):
        keys = f"{self.dir}/keys"
        self.expect(0, None, "keygen", keys)
        broker = self.broker(keys=keys)
        by_name, _ = self.checks(0, broker.url, SHEAF_KEYS=keys)
        self.assertEqual((by_name["keys"]["level"], by_name["broker"]["level"]), ("ok", "ok"))
        os.chmod(keys, 0o777)
        self.assertIn("chmod 700", self.checks(0, broker.url, SHEAF_KEYS=keys)[0]["keys"]["advice"])
        os.chmod(f"{keys}/client.key_secret", 0o644)
        by_name, _ = self.checks(1, broker.url, SHEAF_KEYS=keys)
        self.assertEqual(by_name["keys"]["level"], "fail")
        self.assertIn("client.key_secret", by_name["keys"]["text"])
        self.assertNotIn("broker", by_name)
        self.assertIn("files", by_name)

    def test_what_is_wrong(self):
        """One socket is closed, something else answers at the other, and the clocks are an hour apart."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            def greet():
                peer, _ = other.accept()
                peer.sendall(b"220 mail\r\n")
                peer.close()
            greeter = threading.Thread(target=greet)
            greeter.start()
            wrong = MadeUp(f"tcp://*:{free_ports(1)}", f"tcp://127.0.0.1:{other.getsockname()[1]}",
                           int(time.time() * 1000) + 3600000)
            try:
                by_name, lines = self.checks(1, wrong.url)
            finally:
                wrong.close()
                greeter.join()
        self.assertEqual([by_name[c]["level"] for c in ("broker", "results", "control", "clock", "disk")],
                         ["ok", "fail", "fail", "warn", "warn"])
        self.assertRegex(by_name["results"]["text"], "127.0.0.1 port [0-9]+: Connection refused")
        self.assertIn("something else than ZeroMQ", by_name["control"]["text"])
        self.assertRegex(by_name["clock"]["text"], "(1h00m|59m).* ahead of ours")
        self.assertEqual([c["text"] for c in lines if c["check"] == "worker"],
                         ["dozy has been silent for 1m00s", "idle is drained and gets no jobs"])
