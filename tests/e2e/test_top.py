"""`sheaf top`: printed, as JSON, and live in a terminal: it draws, follows the terminal's size, acts on keys, outlives
its broker for a while, and leaves the terminal as it was."""
import json
import signal
import os

from harness import program, queue, wait_until
from terminal import Terminal
from test_cli import Cli

DOWN, RIGHT = "\x1bOB", "\x1bOC"  # as xterm sends them to curses


class Top(Cli):
    def start(self):
        broker = self.broker()
        self.worker(broker, "thumbs", "-j", 2, "--name", "build-7", "--builtin", "echo")
        self.expect(0, broker, "submit", "lonely", "--lines", input="a\nb\nc\n")
        self.expect(0, broker, "submit", "thumbs", "x")
        wait_until(lambda: queue(broker, "thumbs")["done"] == 1)
        return broker

    def test_printed(self):
        broker = self.start()
        text = self.expect(0, broker, "top", "--interval", "100ms").stdout
        self.assertRegex(text, r"^3 ready, 0 running, 0 delayed, 0 blocked; ")
        self.assertRegex(text, r"(?m)^QUEUE +READY +RUNNING .*LAG")
        self.assertRegex(text, r"(?m)^lonely +3 +0 .* no worker$")
        self.assertRegex(text, r"(?m)^build-7 +thumbs +2 ")
        self.assertEqual(self.expect(0, broker, "top", "-n", "3", "--interval", "100ms").stdout.count("QUEUE "), 3)

    def test_json(self):
        broker = self.start()
        lines = self.expect(0, broker, "top", "--json", "-n", "2", "--interval", "100ms").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        seen = json.loads(lines[1])
        self.assertEqual((seen["ready"], seen["slots"]), (3, 2))
        by_name = {q["name"]: q for q in seen["queues"]}
        self.assertEqual((by_name["lonely"]["ready"], by_name["thumbs"]["workers"], by_name["thumbs"]["paused"]),
                         (3, 1, False))
        self.assertGreater(by_name["lonely"]["oldest_ms"], 0)
        self.assertEqual([(w["name"], w["done"], w["draining"]) for w in seen["workers"]], [("build-7", 1, False)])

    def top(self, broker, *args, **more):
        argv = [program("sheaf"), "top", "--broker", broker.url, "--interval", "100ms", *args]
        return self.own(Terminal(argv, **more))

    def test_keys(self):
        broker = self.start()
        t = self.top(broker)
        t.wait(r"^sheafd .* at tcp://")
        t.wait(r"^lonely +3 .* no worker")
        t.wait(r"^build-7 +thumbs +2 ")
        t.type("p")  # the first queue is selected
        t.wait(r"^lonely .* paused")
        self.assertTrue(queue(broker, "lonely")["paused"])
        t.type("p")
        t.wait(r"^lonely .* no worker")
        t.type(DOWN + "p")
        t.wait(r"^thumbs .* paused")
        t.type("d")
        t.wait(r"d is for a worker")
        t.type("\td")
        t.wait(r"^build-7 .* draining")
        t.wait(r"^build-7 drained")
        t.type("p")
        t.wait(r"p is for a queue")
        t.type("h")
        t.wait(r"reverse the order")
        t.type("h\t" + RIGHT)
        t.wait(r"^QUEUE +READY\*")
        t.type("r")
        t.wait(r"^QUEUE +READY\^")
        self.assertEqual(t.modes(), (False, False))
        t.type("q")
        self.assertEqual(t.ended(), 0)
        self.sane(t)

    def sane(self, t):
        """The terminal echoes again, in lines, with a cursor, on its usual screen."""
        self.assertEqual(t.modes(), (True, True))
        self.assertIn(b"\x1b[?1049l", t.bytes)
        self.assertGreater(t.bytes.rfind(b"\x1b[?25h"), t.bytes.rfind(b"\x1b[?25l"))

    def test_size(self):
        broker = self.start()
        for i in range(30):
            self.expect(0, broker, "submit", f"queue-{i:02}", "x")
        t = self.top(broker, rows=20)
        t.wait(r"^queue-05")
        t.wait(r"^build-7")  # the queues leave room for it
        self.assertNotIn("queue-25", "\n".join(t.screen()))
        t.type(DOWN * 26)
        t.wait(r"^queue-25")
        t.bytes = b""
        t.resize(45, 60)
        t.wait(r"^queue-29")
        t.wait(r"^queue-00")
        self.assertRegex(t.screen()[44], "^h keys")
        t.bytes = b""
        t.resize(6, 40)  # too small for anything, and no reason to end
        t.wait(r"ready")
        t.bytes = b""
        t.resize(24, 100)
        t.wait(r"^build-7")
        os.kill(t.pid, signal.SIGINT)
        self.assertEqual(t.ended(), 130)
        self.sane(t)

    def test_broker_away(self):
        broker = self.start()
        t = self.top(broker)
        t.wait(r"^lonely +3")
        broker.kill()
        t.wait(r"has not answered for")
        t.wait(r"^lonely +3")  # what was seen last stays
        broker.start()
        t.wait(r"^sheafd .* at tcp://")
        self.expect(0, broker, "submit", "lonely", "d")
        t.wait(r"^lonely +4")
        t.type("q")
        self.assertEqual(t.ended(), 0)
        self.sane(t)

    def test_beginning(self):
        t = self.own(Terminal([program("sheaf"), "top", "--broker", "tcp://127.0.0.1:1", "--timeout", "300ms"]))
        self.assertEqual(t.ended(), 3)
        self.assertEqual(t.modes(), (True, True))
        broker = self.broker()
        t = self.own(Terminal([program("sheaf"), "top", "--broker", broker.url], env={"TERM": "no-such-terminal"}))
        self.assertEqual(t.ended(), 2)
        self.assertIn(b"set TERM", t.bytes)
        t = self.top(broker, "--timeout", "1s")
        self.assertEqual(t.ended(), 124)
        self.sane(t)
