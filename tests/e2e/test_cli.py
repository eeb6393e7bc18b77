"""Every command of the command line: what it prints and where, and how it ends."""
import json
import os
import re
import signal
import subprocess

from harness import ROOT, Broker, Case, environment, program, queue, wait_until

JOBLOG_HEAD = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"


class Cli(Case):
    def script(self, text):
        """A handler in which $D is the test's folder."""
        return ["--", "sh", "-c", f"D={self.dir}; {text}"]

    def write(self, name, text):
        path = f"{self.dir}/{name}"
        with open(path, "w") as f:
            f.write(text)
        return path

    def read(self, name):
        with open(f"{self.dir}/{name}") as f:
            return f.read()

    def exists(self, name):
        return os.path.exists(f"{self.dir}/{name}")

    def fails(self, status, broker, *args, says="", **more):
        done = self.expect(status, broker, *args, **more)
        self.assertRegex(done.stderr, r"(?m)^sheaf: ")
        self.assertIn(says, done.stderr)
        return done


class Words(Cli):
    """What needs no broker."""

    def plain(self, *argv, **env):
        return subprocess.run([program("sheaf"), *argv], capture_output=True, text=True, input="", timeout=60,
                              env=environment(**env))

    def test_help(self):
        every = self.plain("help")
        self.assertEqual((every.returncode, every.stderr), (0, ""))
        self.assertEqual(self.plain("--help").stdout, every.stdout)
        commands = re.findall(r"(?m)^    ([a-z]+) {2,}\S", every.stdout.split("Options")[0])
        self.assertIn("map", commands)
        for c in commands:
            one = self.plain("help", c)
            self.assertEqual((one.returncode, one.stderr), (0, ""))
            self.assertIn(f"sheaf {c}", one.stdout)
            self.assertIn("Example", one.stdout)
            self.assertEqual(self.plain(c, "--help").stdout, one.stdout)
        self.assertRegex(self.plain("--version").stdout, r"^sheaf \d+\.\d+\.\d+\n$")

    def test_keys_of_the_environment(self):
        done = self.plain("ping", SHEAF_KEYS="/nowhere")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere", done.stderr)

    def test_usage(self):
        for argv, says in (
                ([], "command"), (["sbmit", "q"], "'submit'"), (["submit"], "QUEUE"),
                (["submit", "q", "x", "y"], "'y'"), (["queue", "q", "pause", "z"], "'z'"), (["workers", "w"], "'w'"),
                (["submit", "q", "--priorty", "1"], "--priority"), (["submit", "q", "--priority", "10"], "'10'"),
                (["submit", "q", "--attempts", "0"], "'0'"), (["submit", "q", "--attempts"], "needs a value"),
                (["submit", "q", "--header", "none"], "'none'"), (["submit", "Q", "x"], "'Q'"),
                (["submit", "q", "x", "--lines"], "'x'"), (["submit", "q", "--lines", "--null"], "--null"),
                (["queues", "--lines"], "--lines"), (["ping", "--timeout", "soon"], "'soon'"),
                (["ping", "--timeout", "5"], "'5'"), (["ping", "--broker", "here"], "'here'"),
                (["ping", "--broker", "tcp://host"], "port"), (["ping", "-x"], "-x"), (["wait"], "ID"),
                (["wait", "x1"], "'x1'"), (["wait", "b"], "'b'"), (["job", "b1"], "'b1'"), (["result", "-"], "'-'"),
                (["cancel", "1", "two"], "'two'"), (["queue", "q", "paus"], "'pause'"),
                (["queue", "q", "fly"], "peek"), (["queue", "q", "set"], "KEY=VALUE"),
                (["queue", "q", "set", "rat=1/s"], "'rate'"), (["queue", "q", "set", "rate=fast"], "100/s"),
                (["queue", "q", "set", "rate=1/s", "rate=2/s"], "twice"),
                (["queue", "q", "peek", "-n", "0"], "'0'"), (["map", "q", "--resume"], "--joblog"),
                (["map", "q", "-j", "no"], "'no'"), (["bench", "--mode", "fast"], "'fast'"),
                (["help", "mapp"], "'map'"),
                (["ping", "--json=maybe"], "'maybe'"), (["ping", "--broker", "tcp://192.0.2.1:7400"], "--insecure")):
            done = self.plain(*argv)
            self.assertEqual((done.returncode, done.stdout), (2, ""), f"{argv}: {done.stderr}")
            self.assertTrue(done.stderr.startswith("sheaf: "), f"{argv}: {done.stderr}")
            self.assertIn(says, done.stderr, argv)
        self.assertIn("SHEAF_TIMEOUT", self.plain("ping", SHEAF_TIMEOUT="soon").stderr)

    def test_broker_not_there(self):
        url = Broker(self.dir).url
        for argv in (["ping"], ["submit", "q", "x"], ["run", "q", "x"], ["map", "q"], ["wait", "1"], ["result", "1"],
                     ["job", "1"], ["cancel", "1"], ["queues"], ["queue", "q"], ["workers"], ["stats"], ["bench"]):
            done = self.plain(*argv, "--timeout", "200ms", SHEAF_BROKER=url)
            self.assertEqual((done.returncode, done.stdout), (3, ""), f"{argv}: {done.stderr}")
            self.assertRegex(done.stderr, f"^sheaf: .*{re.escape(url)}", argv)

    def test_a_payload_over_the_limit(self):
        path = self.write("large", "")
        os.truncate(path, 16 * 1024 * 1024 + 1)
        for argv in (["submit", "q"], ["run", "q"]):
            with open(path) as f:
                done = subprocess.run([program("sheaf"), *argv], stdin=f, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertIn("16777217", done.stderr)
            self.assertIn("16777216", done.stderr)

    def test_a_full_disk(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([program("sheaf"), "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^sheaf: .*stdout")


class Jobs(Cli):
    def test_submit_and_result(self):
        broker = self.broker()
        self.assertRegex(self.expect(0, broker, "ping").stdout, "answers in")
        self.assertGreater(json.loads(self.expect(0, broker, "ping", "--json").stdout)["us"], 0)
        first = self.expect(0, broker, "submit", "q", "hello").stdout
        self.assertRegex(first, r"^\S+\n$")
        first = first.strip()
        self.fails(4, broker, "result", first, says="not finished")
        info = json.loads(self.expect(0, broker, "job", first, "--json").stdout)
        self.assertEqual((info["id"], info["queue"], info["state"], info["size"]), (first, "q", "ready", 5))
        self.fails(124, broker, "wait", first, "--timeout", "200ms")
        raw = bytes(range(256)) * 3
        second = self.expect(0, broker, "submit", "q", "-", input=raw, text=False).stdout.decode().strip()
        third = self.expect(0, broker, "submit", "q", input="").stdout.strip()
        self.worker(broker, "q", "--builtin", "echo")
        done = self.expect(0, broker, "wait", first, second, third, first)
        self.assertEqual(sorted(done.stdout.splitlines()), sorted(f"{i} done" for i in (first, second, third)))
        self.assertEqual(self.expect(0, broker, "result", first).stdout, "hello")
        self.assertEqual(self.expect(0, broker, "result", second, text=False).stdout, raw)
        self.assertEqual(self.expect(0, broker, "result", third).stdout, "")
        record = json.loads(self.expect(0, broker, "result", second, "--json").stdout)
        self.assertEqual(record["state"], "done")
        self.assertIn("result_base64", record)
        self.assertRegex(self.expect(0, broker, "job", first).stdout, r"(?m)^state +done$")
        self.fails(4, broker, "cancel", first, says="ended")
        for argv in (["wait", "99999"], ["result", "99999"], ["job", "99999"], ["cancel", "99999"], ["wait", "b99999"]):
            self.fails(4, broker, *argv, says="99999")

    def test_submit_streams(self):
        broker = self.broker()
        lines = "".join(f"{i}\n" for i in range(150000))
        ids = self.expect(0, broker, "submit", "q", "--lines", input=lines).stdout.split()
        self.assertEqual(len(ids), 150000)
        self.assertEqual(ids, sorted(ids, key=int))
        self.assertEqual(queue(broker, "q")["ready"], 150000)
        ids = self.expect(0, broker, "submit", "r", "--null", input="a\nb\0\0c").stdout.split()
        self.worker(broker, "r", "--builtin", "echo")
        self.expect(0, broker, "wait", *ids)
        self.assertEqual([self.expect(0, broker, "result", i).stdout for i in ids], ["a\nb", "", "c"])
        out = self.expect(0, broker, "submit", "r", "--lines", "--json", input="x\ny\n").stdout.splitlines()
        self.assertEqual(len({json.loads(line)["id"] for line in out}), 2)
        self.assertEqual(self.expect(0, broker, "submit", "r", "--lines", input="").stdout, "")

    def test_options_go_with_the_job(self):
        broker = self.broker()
        low = self.expect(0, broker, "--priority=1", "submit", "q", "low", "--header", "A=1", "--header=B-C=x y",
                          "--attempts", "3").stdout.strip()
        high = self.expect(0, broker, "submit", "--priority", "9", "q", "--", "--high").stdout.strip()
        info = json.loads(self.expect(0, broker, "job", low, "--json").stdout)
        self.assertEqual((info["priority"], info["attempts"], info["headers"]), (1, 3, {"A": "1", "B-C": "x y"}))
        lines = self.expect(0, broker, "queue", "q", "peek", "--json").stdout.splitlines()
        peeked = [json.loads(line) for line in lines]
        self.assertEqual([(p["id"], p["payload"]) for p in peeked], [(high, "--high"), (low, "low")])
        self.assertEqual(len(self.expect(0, broker, "queue", "q", "peek", "-n1").stdout.splitlines()), 2)

    def test_run(self):
        broker = self.broker()
        self.worker(broker, "q", "-j", 2, *self.script(
            'read x; case "$x" in 7) echo out; echo bad >&2; exit 7;; '
            'sleep) touch $D/began; sleep 600;; *) printf "<%s>" "$x";; esac'))
        self.assertEqual(self.expect(0, broker, "run", "q", "hello").stdout, "<hello>")
        self.assertEqual(self.expect(0, broker, "run", "q", input="from stdin\n").stdout, "<from stdin>")
        failed = self.expect(7, broker, "run", "q", "7")
        self.assertEqual((failed.stdout, failed.stderr), ("out\n", "bad\n"))
        self.fails(124, broker, "run", "q", "sleep", "--timeout", "1s")
        wait_until(lambda: queue(broker, "q")["cancelled"] == 1, what="the job to be cancelled")
        wait_until(lambda: queue(broker, "q")["running"] == 0, what="the job to be gone")
        wait_until(lambda: self.exists("began"), what="the marker")
        os.unlink(f"{self.dir}/began")
        running = self.command(broker, "run", "q", "sleep")
        wait_until(lambda: self.exists("began"), what="the job to start")
        running.signal(signal.SIGINT)
        self.assertEqual(running.wait(), 130)
        wait_until(lambda: queue(broker, "q")["cancelled"] == 2, what="the job to be cancelled")

    def test_failed_jobs(self):
        broker = self.broker()
        self.worker(broker, "q", *self.script("cat; echo oh no >&2; exit 3"))
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        self.assertEqual(self.expect(1, broker, "wait", job).stdout, f"{job} dead\n")
        result = self.expect(1, broker, "result", job)
        self.assertEqual((result.stdout, result.stderr), ("x", "oh no\n"))
        info = json.loads(self.expect(0, broker, "job", job, "--json").stdout)
        self.assertEqual((info["exit"], info["state"]), (3, "dead"))

    def test_wait_any(self):
        broker = self.broker()
        self.worker(broker, "fast", "--builtin", "noop")
        slow = self.expect(0, broker, "submit", "slow", "x").stdout.strip()
        fast = self.expect(0, broker, "submit", "fast", "x").stdout.strip()
        self.assertEqual(self.expect(0, broker, "wait", slow, fast, "--any").stdout, f"{fast} done\n")
        self.assertEqual(self.expect(0, broker, "cancel", slow).stdout, "")
        self.assertEqual(self.expect(1, broker, "wait", slow, fast).stdout.count("\n"), 2)
        self.assertEqual(json.loads(self.expect(1, broker, "wait", slow, "--json").stdout),
                         {"id": slow, "state": "cancelled"})


class Queues(Cli):
    def test_queues_and_workers(self):
        broker = self.broker()
        self.assertEqual(self.expect(0, broker, "queues").stdout, "")
        self.assertEqual(self.expect(0, broker, "workers", "--json").stdout, "")
        self.expect(0, broker, "submit", "letters", "--lines", input="a\nb\nc\n")
        table = self.expect(0, broker, "queues").stdout.splitlines()
        self.assertEqual(len(table), 2)
        self.assertRegex(table[1], r"^letters +3 ")
        one = queue(broker, "letters")
        self.assertEqual((one["submitted"], one["ready"], one["paused"]), (3, 3, False))
        for state in ("blocked", "delayed", "ready", "running", "done", "dead", "expired", "cancelled", "submitted"):
            self.assertIsInstance(one[state], int, state)
        self.assertRegex(self.expect(0, broker, "queue", "letters").stdout, r"(?m)^ready +3$")
        self.fails(4, broker, "queue", "leters", says="'letters'")
        self.fails(4, broker, "queue", "elsewhere", "pause", says="elsewhere")
        self.expect(0, broker, "queue", "letters", "pause")
        self.assertTrue(queue(broker, "letters")["paused"])
        self.worker(broker, "letters", "-j", 1, "--name", "w1", "--builtin", "echo")
        self.assertRegex(self.expect(0, broker, "workers").stdout.splitlines()[1], r"^w1 +letters +1 ")
        worker = json.loads(self.expect(0, broker, "workers", "--json").stdout)
        self.assertEqual((worker["name"], worker["queues"], worker["slots"]), ("w1", "letters", 1))
        self.assertIn("3 jobs", self.expect(0, broker, "queue", "letters", "purge").stdout)
        self.assertEqual(queue(broker, "letters")["cancelled"], 3)
        self.expect(0, broker, "queue", "letters", "resume")
        self.assertEqual(self.expect(0, broker, "run", "letters", "d").stdout, "d")
        self.expect(0, broker, "submit", "other", "x")
        self.fails(4, broker, "queue", "other", "delete", says="in use")
        self.assertIn("1 job\n", self.expect(0, broker, "queue", "other", "purge").stdout)
        self.expect(0, broker, "queue", "other", "delete")
        self.fails(4, broker, "queue", "other")

    def test_stats(self):
        broker = self.broker()
        stats = json.loads(self.expect(0, broker, "stats", "--json").stdout)
        self.assertEqual(stats["jobs.submitted"], 0)
        self.assertRegex(self.expect(0, broker, "stats").stdout, r"(?m)^jobs.submitted +0$")

    def test_bench(self):
        broker = self.broker()
        self.fails(4, broker, "bench", "--seconds", "100ms", says="sheaf-worker bench --builtin noop")
        self.worker(broker, "bench", "--builtin", "noop")
        out = json.loads(self.expect(0, broker, "bench", "--seconds", "200ms", "--json").stdout)
        self.assertEqual([r["batch"] for r in out["results"]], [1, 1, 64, 256])
        for r in out["results"]:
            self.assertGreater(r["jobs"], 0)
            self.assertEqual(r["failed"], 0)
        table = self.expect(0, broker, "bench", "--jobs", "1000", "--mode", "batched", "--batch", "16").stdout
        self.assertRegex(table, r"(?m)^batched +16 ")
        self.assertIn("ZeroMQ round trip", table)
