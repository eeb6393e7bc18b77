"""`sheaf map`: order, terminators, the log and resuming, failures, interruption, timeouts."""
import json
import os
import signal
import subprocess

from harness import environment, program, queue, wait_until
from test_cli import JOBLOG_HEAD, Cli


class Map(Cli):
    def test_orders(self):
        broker = self.broker()
        for _ in range(2):
            self.worker(broker, "q", "-j", 2, "--builtin", "echo")
        lines = [f"line {i}" for i in range(50000)]
        text = "\n".join(lines)  # the last one has no newline
        self.assertEqual(self.expect(0, broker, "map", "q", "--ordered", input=text).stdout, text + "\n")
        self.assertEqual(sorted(self.expect(0, broker, "map", "q", input=text).stdout.splitlines()), sorted(lines))
        self.assertEqual(self.expect(0, broker, "map", "q", "-j1", input="a\n\nb\n").stdout, "a\n\nb\n")
        self.assertEqual(self.expect(0, broker, "map", "q", "--ordered", "--null", input="a\n\0b\0").stdout, "a\n\0b\0")
        self.assertEqual(self.expect(0, broker, "map", "q", input="").stdout, "")
        objects = [json.loads(line) for line in
                   self.expect(0, broker, "map", "q", "--json", "--ordered", input="x\ny\n").stdout.splitlines()]
        self.assertEqual([(o["seq"], o["state"], o["result"]) for o in objects], [(1, "done", "x"), (2, "done", "y")])

    def test_slow_input(self):
        """Results come while the input is still open."""
        broker = self.broker()
        self.worker(broker, "q", "--builtin", "echo")
        p = subprocess.Popen([program("sheaf"), "map", "q", "--broker", broker.url], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, env=environment())
        try:
            for word in ("one", "two"):
                p.stdin.write(word + "\n")
                p.stdin.flush()
                self.assertEqual(p.stdout.readline(), word + "\n")
            p.stdin.close()
            self.assertEqual(p.wait(60), 0)
        finally:
            p.kill()
            p.wait()
            p.stdout.close()

    def test_failures(self):
        broker = self.broker()
        self.worker(broker, "q", "-j", 2, *self.script(
            'read x; [ "$x" != 3 ] || { echo no three >&2; exit 9; }; echo "$x"'))
        done = self.expect(1, broker, "map", "q", "--ordered", "--joblog", f"{self.dir}/log", input="1\n2\n3\n4\n")
        self.assertEqual(done.stdout, "1\n2\n4\n")
        self.assertRegex(done.stderr, r"(?m)^sheaf: 3: no three$")
        self.assertRegex(done.stderr, r"(?m)^sheaf: 1 of 4 jobs failed$")
        self.assertEqual([line.split("\t")[6] for line in self.read("log").splitlines()],
                         ["Exitval", "0", "0", "9", "0"])

    def test_joblog_and_resume(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "--builtin", "echo")
        log = f"{self.dir}/log"
        out = self.expect(0, broker, "map", "q", "--joblog", log, "--ordered", input="a\tb\nc\n").stdout
        self.assertEqual(out, "a\tb\nc\n")
        lines = self.read("log").splitlines()
        self.assertEqual(lines[0], JOBLOG_HEAD)
        self.assertEqual([(w[0], w[1], w[4], w[5], w[6], w[8]) for w in (line.split("\t") for line in lines[1:])],
                         [("1", ":", "3", "3", "0", "a\\tb"), ("2", ":", "1", "1", "0", "c")])
        with open(log, "a") as f:
            f.write("3\t:\ttorn")
        out = self.expect(0, broker, "map", "q", "--joblog", log, "--resume", input="a\tb\nc\nd\ne\n").stdout
        self.assertEqual(sorted(out.split()), ["d", "e"])
        self.assertEqual(sorted(line.split("\t")[0] for line in self.read("log").splitlines()[1:]),
                         ["1", "2", "3", "4"])
        self.assertEqual(self.expect(0, broker, "map", "q", "--joblog", log, "--resume", "--ordered",
                                     input="a\tb\nc\nd\ne\n").stdout, "")
        self.expect(0, broker, "map", "q", "--joblog", log, input="z\n")  # without --resume it begins anew
        self.assertEqual(len(self.read("log").splitlines()), 2)
        self.write("log", "this is no log\nat all\n")
        self.fails(2, broker, "map", "q", "--joblog", log, "--resume", input="a\n", says="line 2")
        self.fails(2, broker, "map", "q", "--joblog", f"{self.dir}/no/log", input="a\n", says="no/log")
        worker.stop()

    def interrupt(self, broker, *more):
        """A map whose first two jobs run, interrupted."""
        path = self.write("in", "".join(f"{i}\n" for i in range(1, 41)))
        mapping = self.command(broker, "map", "q", "--joblog", f"{self.dir}/log", *more, stdin=path)
        wait_until(lambda: self.exists("ran1") and self.exists("ran2"), what="the first jobs to start")
        wait_until(lambda: json.loads(self.expect(0, broker, "workers", "--json").stdout)["running"] == 2,
                   what="a beat that says so")
        wait_until(lambda: queue(broker, "q")["submitted"] == 40, what="all to be submitted")
        mapping.signal(signal.SIGINT)
        wait_until(lambda: queue(broker, "q")["ready"] == 0, what="what has not started to be cancelled")
        return mapping

    def test_interrupt_and_resume(self):
        broker = self.broker()
        self.worker(broker, "q", "-j", 2, *self.script(
            'read x; touch $D/ran$x; while [ ! -e $D/go ]; do sleep 0.02; done; echo $x'))
        mapping = self.interrupt(broker)
        self.assertTrue(mapping.running(), "it is to wait for what runs")
        open(f"{self.dir}/go", "w").close()
        self.assertEqual(mapping.wait(), 130, mapping.tail())
        self.assertEqual(sorted(mapping.stdout().split()), ["1", "2"])
        self.assertRegex(mapping.stderr(), "sheaf map q --joblog .* --resume")
        self.assertEqual(queue(broker, "q")["cancelled"], 38)
        rest = self.command(broker, "map", "q", "--joblog", f"{self.dir}/log", "--resume", stdin=f"{self.dir}/in")
        self.assertEqual(rest.wait(), 0, rest.tail())
        self.assertEqual(sorted(map(int, rest.stdout().split())), list(range(3, 41)))

    def test_a_second_interrupt_leaves_at_once(self):
        broker = self.broker()
        self.worker(broker, "q", "-j", 2, *self.script('read x; touch $D/ran$x; sleep 600'))
        mapping = self.interrupt(broker)
        mapping.signal(signal.SIGINT)
        self.assertEqual(mapping.wait(), 130, mapping.tail())
        self.assertEqual(mapping.stdout(), "")

    def test_timeout(self):
        broker = self.broker()
        self.worker(broker, "q", "-j", 1, "--builtin", "sleep")
        done = self.fails(124, broker, "map", "q", "--timeout", "2s", input="1ms\n1ms\n600s\n600s\n600s\n")
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertEqual((queue(broker, "q")["cancelled"], queue(broker, "q")["running"]), (2, 1))

    def test_a_reader_that_goes_away(self):
        broker = self.broker()
        self.worker(broker, "q", "--builtin", "echo")
        path = self.write("in", "".join(f"{i}\n" for i in range(200000)))
        script = f"{program('sheaf')} map q --ordered --broker {broker.url} <{path} | head -n 3"
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120, env=environment())
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "0\n1\n2\n", ""))
        with open("/dev/full", "w") as full, open(path) as f:
            done = subprocess.run([program("sheaf"), "map", "q", "--broker", broker.url], stdin=f, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=120, env=environment())
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^sheaf: .*stdout")

    def test_a_record_over_the_limit(self):
        """What came before it is done, what comes after it is not."""
        broker = self.broker()
        self.worker(broker, "q", "--builtin", "echo")
        path = self.write("in", "before\n" + "x" * (16 * 1024 * 1024 + 1) + "\nafter\n")
        mapping = self.command(broker, "map", "q", stdin=path)
        self.assertEqual(mapping.wait(), 2, mapping.tail())
        self.assertEqual(mapping.stdout(), "before\n")
        self.assertIn("record 2", mapping.stderr())
        self.assertEqual(queue(broker, "q")["submitted"], 1)
        os.unlink(path)
