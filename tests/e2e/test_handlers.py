"""Handlers in any language: the examples as they stand in examples/, processes that die or talk nonsense, plugins that
are none, and options that do not go together."""
import base64
import json
import os
import shutil
import signal
import subprocess
import unittest

from harness import BIN, ROOT, Case, Worker, is_alive, process_state, program, queue, wait_until
from harness import environment

EXAMPLES = os.path.join(ROOT, "examples")
BUILT = os.path.join(os.path.dirname(BIN), "examples")
PYTHON = "/usr/bin/python3"
NODE = shutil.which("nodejs") or shutil.which("node")

# A pipe handler that does what its payload says.
ODD = r"""
import json, os, sys, time
n = 0
for line in sys.stdin:
    n += 1
    job = json.loads(line)
    what = job.get("payload")
    def say(**members):
        print(json.dumps({"id": job["id"], **members}), flush=True)
    if what == "die":
        print("last words", file=sys.stderr, flush=True)
        os._exit(3)
    elif what == "nonsense":
        print("nonsense", flush=True)
        say(ok=True)
    elif what == "pid":
        say(ok=True, result=os.getpid())
    elif what == "bytes":
        say(ok=True, result_base64="/wD+")
    elif what == "job":
        say(ok=True, result=job)
    elif what == "sleep":
        time.sleep(1000)
    elif what == "orphan":
        pid = os.fork()
        if pid == 0:
            time.sleep(1000)
        say(ok=True, result=pid)
    else:
        say(ok=True, result=str(n))
"""


class Examples(Case):
    def run_job(self, broker, *args):
        return self.expect(0, broker, "run", *args).stdout

    def test_c_plugin(self):
        broker = self.broker()
        self.worker(broker, "primes", "-j", 2, "--plugin", f"{BUILT}/primes.so")
        self.assertEqual(self.run_job(broker, "primes", "100000"), "9592\n")
        self.assertIn("the payload is no number", self.expect(2, broker, "run", "primes", "x").stderr)
        job = self.expect(0, broker, "submit", "primes", "4000000000").stdout.strip()  # takes hours, unless cancelled
        wait_until(lambda: "percent" in json.loads(self.expect(0, broker, "job", job, "--json").stdout))
        self.expect(0, broker, "cancel", job)
        self.assertEqual(self.run_job(broker, "primes", "10"), "4\n")

    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler here: a deaf plugin WAS NOT RUN")
    def test_a_deaf_plugin(self):
        """It is built as docs/handlers.md says, and does not heed its cancel: that keeps nobody from leaving."""
        source = f"{self.dir}/deaf.c"
        with open(source, "w") as f:
            f.write("""
                #include <unistd.h>
                #include "sheaf_worker.h"
                static int run(void *arg, struct sheaf_job *job) { for (;;) sleep(1); return arg == job; }
                SHEAF_PLUGIN(run, NULL, NULL);
            """)
        subprocess.run(["cc", "-shared", "-fPIC", "-I", f"{ROOT}/worker", "-o", f"{self.dir}/deaf.so", source],
                       check=True, timeout=60)
        broker = self.broker()
        worker = self.worker(broker, "q", "--grace", "100ms", "--plugin", f"{self.dir}/deaf.so")
        self.expect(0, broker, "submit", "q", "x")
        wait_until(lambda: queue(broker, "q")["running"] == 1)
        worker.stop()
        worker.wait_line(r"warn handler-stuck")
        wait_until(lambda: queue(broker, "q")["ready"] == 1)

    def test_c_embedded(self):
        broker = self.broker()
        p = self.own(Worker(broker, "q"))
        p.args = [f"{BUILT}/embedded", "backwards", broker.url]
        p.start(ready=False)
        self.assertEqual(self.run_job(broker, "backwards", "straw"), "warts")
        p.stop()
        self.assertEqual(p.stdout(), "1 jobs\n")
        p.args = [f"{BUILT}/embedded", "Bad Name", broker.url]
        p.start(ready=False)
        self.assertEqual(p.wait(), 1)
        self.assertIn("'Bad Name' is no queue's name", p.stderr())

    def test_python_pipe(self):
        broker = self.broker()
        self.worker(broker, "words", "--pipe", "--", PYTHON, f"{EXAMPLES}/words.py")
        self.assertEqual(json.loads(self.run_job(broker, "words", "to be or not to be")),
                         {"to": 2, "be": 2, "or": 1, "not": 1})
        done = self.expect(2, broker, "run", "words", "-", text=False, input=b"\xff\xfe")
        self.assertIn(b"the payload is no text", done.stderr)

    @unittest.skipUnless(NODE, "there is no node here: the example in JavaScript WAS NOT RUN (Debian: nodejs)")
    def test_node_pipe(self):
        broker = self.broker()
        self.worker(broker, "upper", "-j", 2, "--pipe", "--", NODE, f"{EXAMPLES}/upper.js")
        done = self.expect(0, broker, "map", "upper", "--ordered", input="".join(f"line {i}\n" for i in range(50)))
        self.assertEqual(done.stdout, "".join(f"LINE {i}\n" for i in range(50)))

    def test_shell_with_touch(self):
        broker = self.broker()
        self.worker(broker, "steps", "--", f"{EXAMPLES}/steps.sh")
        job = self.expect(0, broker, "submit", "steps", "8", "--lease", "1s").stdout.strip()

        def shown():
            return json.loads(self.expect(0, broker, "job", job, "--json").stdout).get("progress", "")
        wait_until(lambda: shown().startswith("step "))
        self.expect(0, broker, "wait", job)
        self.assertEqual(self.expect(0, broker, "result", job).stdout, "8 steps\n")


class Pipe(Case):
    def start(self, *args):
        broker = self.broker()
        script = os.path.join(self.dir, "odd.py")
        with open(script, "w") as f:
            f.write(ODD)
        return broker, self.worker(broker, "q", "-j", 1, "--grace", "500ms", *args, "--pipe", "--", PYTHON, script)

    def run_job(self, broker, payload, status=0):
        return self.expect(status, broker, "run", "q", payload)

    def test_what_it_sees_and_says(self):
        broker, _ = self.start()
        job = json.loads(self.expect(0, broker, "run", "q", "job", "--header", "tenant=a").stdout)
        self.assertTrue(job["id"].isdigit() and job["token"].isdigit(), job)
        self.assertEqual({k: v for k, v in job.items() if k not in ("id", "token")},
                         {"queue": "q", "attempt": 1, "headers": {"tenant": "a"}, "payload": "job"})
        done = self.expect(0, broker, "run", "q", "bytes", text=False, input=b"")
        self.assertEqual(done.stdout, base64.b64decode("/wD+"))

    def test_deaths_and_nonsense(self):
        broker, worker = self.start()
        first = int(self.run_job(broker, "pid").stdout)
        done = self.run_job(broker, "die", 1)
        self.assertIn("the process ended with exit status 3 before it answered", done.stderr)
        self.assertIn("last words\n", worker.stderr())
        worker.wait_line(r"warn pipe-ended .*exit status 3")
        second = int(self.run_job(broker, "pid").stdout)
        self.assertNotEqual(first, second)
        done = self.run_job(broker, "nonsense", 1)
        self.assertIn("is no answer: it is no JSON", done.stderr)
        worker.wait_line(r"warn pipe-bad-line slot=0 job=\d+ .*it is no JSON")
        self.assertNotIn("nonsense", worker.stderr())  # not what was said
        third = int(self.run_job(broker, "pid").stdout)
        self.assertNotEqual(second, third)
        os.kill(third, signal.SIGKILL)  # between jobs
        wait_until(lambda: not is_alive(third))
        self.assertNotEqual(int(self.run_job(broker, "pid").stdout), third)
        worker.stop()

    def test_cancel_begins_anew(self):
        broker, _ = self.start()
        pid = int(self.run_job(broker, "pid").stdout)
        job = self.expect(0, broker, "submit", "q", "sleep").stdout.strip()
        wait_until(lambda: queue(broker, "q")["running"] == 1)
        self.expect(0, broker, "cancel", job)
        self.expect(1, broker, "wait", job)
        self.assertNotEqual(int(self.run_job(broker, "pid").stdout), pid)
        self.assertFalse(is_alive(pid))

    def test_nothing_is_left_of_a_killed_worker(self):
        broker, worker = self.start()
        pid = int(self.run_job(broker, "pid").stdout)
        orphan = int(self.run_job(broker, "orphan").stdout)
        self.assertTrue(is_alive(pid) and is_alive(orphan))
        worker.kill()
        wait_until(lambda: not is_alive(pid) and not is_alive(orphan), what="the worker's processes to end")

    def test_a_drain_ends_the_processes(self):
        broker, worker = self.start()
        pid = int(self.run_job(broker, "pid").stdout)
        orphan = int(self.run_job(broker, "orphan").stdout)
        worker.stop()
        wait_until(lambda: process_state(pid) is None and not is_alive(orphan))

    def test_a_command_that_is_not_there(self):
        broker = self.broker()
        self.worker(broker, "q", "--pipe", "--", "/nowhere/at-all")
        self.assertIn("cannot run '/nowhere/at-all'", self.run_job(broker, "x", 127).stderr)


class Refusals(Case):
    def refused(self, why, *args):
        done = subprocess.run([program("sheaf-worker"), "q", *args], capture_output=True, text=True, timeout=60,
                              env=environment())
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertTrue(done.stderr.startswith("sheaf-worker: ") and why in done.stderr, done.stderr)

    def test_options(self):
        self.refused("exclude each other", "--pipe", "--plugin", "./x.so")
        self.refused("sheaf-worker QUEUE --pipe -- COMMAND", "--pipe")
        self.refused("no size such as", "--limit-mem", "lots", "--", "cat")
        self.refused("no duration such as", "--limit-cpu", "0", "--", "cat")
        self.refused("--limit-mem is for processes", "--limit-mem", "64M", "--builtin", "echo")
        self.refused("--dir /nowhere/at-all: No such file", "--dir", "/nowhere/at-all", "--", "cat")
        self.refused("it is no directory", "--dir", "/etc/passwd", "--", "cat")
        self.refused("'dirty' is not clean, keep, or NAME=VALUE", "--env", "dirty", "--", "cat")
        self.refused("is not clean, keep, or NAME=VALUE", "--env", "2X=1", "--", "cat")

    def test_plugins(self):
        self.refused("cannot open shared object file", "--plugin", "/nowhere/at-all.so")
        self.refused("a file in this directory is ./FILE.so", "--plugin", "no-such-plugin.so")
        with open(f"{self.dir}/text.so", "w") as f:
            f.write("this is no shared object, however long one looks at it\n" * 100)
        self.refused("invalid ELF header", "--plugin", f"{self.dir}/text.so")


if __name__ == "__main__":
    unittest.main()
