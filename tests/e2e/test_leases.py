"""A job in a worker's hands: leases with a time of their own and touches, cancels that handlers do not care for,
limits, a worker that stands still for too long, and what is left of one that was killed."""
import json
import os
import signal
import subprocess
import time
import unittest

from harness import Case, descendants, environment, is_alive, pids_with_environment, program, queue, wait_until

FAST = ("--grace", "300ms")


class Leases(Case):
    def job(self, broker, job):
        return json.loads(self.expect(0, broker, "job", job, "--json").stdout)

    def submit(self, broker, *args):
        return self.expect(0, broker, "submit", "q", *args).stdout.strip()

    def running(self, broker, n=1):
        wait_until(lambda: queue(broker, "q")["running"] == n)

    def test_a_lease_runs_out(self):
        broker = self.broker()
        self.worker(broker, "q", *FAST, "--", "sh", "-c", "trap '' TERM; sleep 1000; sleep 1000")
        done = self.expect(137, broker, "run", "q", "x", "--lease", "500ms")
        self.assertIn("ran out of its lease of 500ms", done.stderr)

    def test_each_attempt_has_its_lease(self):
        broker = self.broker()
        worker = self.worker(broker, "q", *FAST, "--", "sh", "-c", 'test "$SHEAF_ATTEMPT" = 3 || sleep 1000; echo done')
        done = self.expect(0, broker, "run", "q", "x", "--lease", "300ms", "--attempts", "3")
        self.assertEqual(done.stdout, "done\n")
        self.assertEqual(descendants(worker.pid)[1:], [])  # the guardian alone

    def test_touches_keep_it(self):
        broker = self.broker()
        self.worker(broker, "q", *FAST, "--", "sh", "-c",
                    'i=0; while [ $i -lt 12 ]; do sleep 0.1; i=$((i + 1)); sheaf touch $i "step $i"; done; echo $i',
                    env={"PATH": os.path.dirname(program("sheaf")) + ":" + os.environ["PATH"]})
        self.assertEqual(self.expect(0, broker, "run", "q", "x", "--lease", "600ms").stdout, "12\n")

    def test_a_broker_restart_ends_no_lease(self):
        """The job goes on, its touches too, and what it said is shown again."""
        broker = self.broker()
        self.worker(broker, "q", *FAST, "--", "sh", "-c",
                    'while [ ! -e "$GO" ]; do sleep 0.1; echo "50 still here" >&3; done; echo "$SHEAF_ATTEMPT"',
                    env={"GO": f"{self.dir}/go"})
        job = self.submit(broker, "x", "--lease", "2s", "--attempts", "9")
        wait_until(lambda: self.job(broker, job).get("percent") == 50)
        broker.kill()
        broker.start()
        wait_until(lambda: self.job(broker, job).get("progress") == "still here")
        open(f"{self.dir}/go", "w").close()
        self.expect(0, broker, "wait", job)
        self.assertEqual(self.expect(0, broker, "result", job).stdout, "1\n")

    def test_builtin_and_pipe(self):
        broker = self.broker()
        self.worker(broker, "q", *FAST, "--builtin", "sleep")
        self.worker(broker, "p", *FAST, "--pipe", "--", "sh", "-c", "read line; sleep 1000")
        for name in ("q", "p"):
            done = self.sheaf(broker, "run", name, "1000s", "--lease", "300ms")
            self.assertIn("ran out of its lease of 300ms", done.stderr)

    def test_touch_outside_of_a_handler(self):
        done = self.expect(2, None, "touch", "30")
        self.assertIn("SHEAF_PROGRESS_FD is not set", done.stderr)
        self.assertIn("no percentage", self.expect(2, None, "touch", "300").stderr)
        done = subprocess.run([program("sheaf"), "touch"], capture_output=True, text=True, timeout=60,
                              env=environment(SHEAF_PROGRESS_FD="7"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("descriptor 7 of SHEAF_PROGRESS_FD is closed", done.stderr)
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([program("sheaf"), "touch"], capture_output=True, text=True, timeout=60,
                              env=environment(SHEAF_PROGRESS_FD=str(write)), pass_fds=[write])
        os.close(write)
        self.assertEqual(done.returncode, 4)
        self.assertIn("the job is over", done.stderr)

    def test_cancel_of_a_deaf_handler(self):
        """It ignores TERM: the cancel is answered all the same, and its processes are ended."""
        broker = self.broker()
        self.worker(broker, "q", "-j", 1, "--grace", "1s", "--", "sh", "-c",
                    "trap '' TERM; sleep 1000 & wait; sleep 1000", env={"MARK": self.dir})
        job = self.submit(broker, "x")
        self.running(broker)
        wait_until(lambda: len(pids_with_environment("MARK", self.dir)) >= 3)  # worker, shell and sleep
        self.expect(0, broker, "cancel", job, "--timeout", "30s")
        self.assertEqual(self.job(broker, job)["state"], "cancelled")
        wait_until(lambda: len(pids_with_environment("MARK", self.dir)) == 2)  # the worker and its guardian

    def test_a_frozen_worker(self):
        """SIGSTOP beyond its liveness: its job goes to another one. When it comes back, what it ran is ended, and a
        result that it may have is refused."""
        broker = self.broker()
        script = 'echo "$$ $SHEAF_TOKEN" >>"$LOG"; while [ ! -e "$GO" ]; do sleep 0.05; done; echo "$WHO"'
        env = {"LOG": f"{self.dir}/log", "GO": f"{self.dir}/go"}
        frozen = self.worker(broker, "q", "-j", 1, *FAST, "--", "sh", "-c", script, env={**env, "WHO": "frozen"})
        job = self.submit(broker, "x", "--lease", "60s")
        self.running(broker)
        log = wait_until(lambda: os.path.exists(env["LOG"]) and open(env["LOG"]).read())
        handler = int(log.split()[0])
        os.kill(frozen.pid, signal.SIGSTOP)
        other = self.worker(broker, "q", "-j", 1, *FAST, "--", "sh", "-c", script, env={**env, "WHO": "other"})
        wait_until(lambda: len(open(env["LOG"]).readlines()) == 2, what="the other worker to run it")
        tokens = [int(line.split()[1]) for line in open(env["LOG"])]
        self.assertLess(tokens[0], tokens[1])
        self.assertTrue(is_alive(handler))
        os.kill(frozen.pid, signal.SIGCONT)
        frozen.wait_line(r"info attached")
        wait_until(lambda: not is_alive(handler), what="the frozen worker's handler to be ended")
        open(env["GO"], "w").close()
        self.expect(0, broker, "wait", job)
        self.assertEqual(self.expect(0, broker, "result", job).stdout, "other\n")
        self.assertEqual((queue(broker, "q")["done"], queue(broker, "q")["dead"]), (1, 0))
        other.stop()

    def test_a_late_result_is_refused(self):
        """The same, but the handler has ended while its worker stood still."""
        broker = self.broker()
        first = f"{self.dir}/first"
        script = f'if mkdir {first} 2>/dev/null; then sleep 1; echo frozen; touch {first}/done; else echo other; fi'
        frozen = self.worker(broker, "q", "-j", 1, *FAST, "--", "sh", "-c", script)
        job = self.submit(broker, "x")
        wait_until(lambda: os.path.isdir(first))
        os.kill(frozen.pid, signal.SIGSTOP)
        self.worker(broker, "q", "-j", 1, *FAST, "--", "sh", "-c", script)
        self.expect(0, broker, "wait", job)
        wait_until(lambda: os.path.exists(f"{first}/done"))
        os.kill(frozen.pid, signal.SIGCONT)
        frozen.wait_line(r"info attached")
        time.sleep(0.3)  # for a late result to do harm, if it could
        self.assertEqual(self.expect(0, broker, "result", job).stdout, "other\n")
        self.assertEqual(queue(broker, "q")["done"], 1)


class Limits(Case):
    def killed(self, why, *args, command, **more):
        broker = self.broker()
        self.worker(broker, "q", *FAST, *args, "--", *command, **more)
        done = self.sheaf(broker, "run", "q", "x")
        self.assertIn(why, done.stderr)
        self.assertEqual((done.returncode, done.stdout), (137, ""))
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        self.expect(1, broker, "wait", job)
        self.assertEqual(json.loads(self.expect(0, broker, "job", job, "--json").stdout)["state"], "dead")

    def test_memory(self):
        self.killed("it used more memory than --limit-mem 60M allows", "--limit-mem", "60M",
                    command=["/usr/bin/python3", "-c", "import time; x = b'x' * 200000000; time.sleep(1000)"])

    def test_processor_time(self):
        self.killed("it used more processor time than --limit-cpu 300ms allows", "--limit-cpu", "300ms",
                    command=["sh", "-c", "(while :; do :; done) & while :; do :; done"])

    def test_output(self):
        self.killed("it wrote more than --limit-output 1K allows", "--limit-output", "1K", command=["cat", "/dev/zero"])

    def test_directory_and_environment(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "--dir", "tmp:", "--env", "clean", "--env", "COLOUR=red", "--", "sh", "-c",
                             'pwd; ls -A; echo x >x; echo "$COLOUR ${SECRET-none} $SHEAF_QUEUE"',
                             env={"SECRET": "1", "TMPDIR": self.dir})
        seen = [self.expect(0, broker, "run", "q", "x").stdout.split("\n") for _ in range(2)]
        for where, what, _ in seen:  # nothing was in it
            self.assertTrue(where.startswith(self.dir + "/sheaf-worker-"), where)
            self.assertEqual(what, "red none q")
            self.assertFalse(os.path.exists(where))
        self.assertNotEqual(seen[0][0], seen[1][0])
        worker.stop()
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith("sheaf-worker-")], [])

    def test_a_killed_worker_leaves_no_directory(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "--dir", "tmp:", "--", "sh", "-c", "echo x >x; sleep 1000",
                             env={"TMPDIR": self.dir})
        self.expect(0, broker, "submit", "q", "x")

        def left():
            return [os.path.join(d, f) for d, _, fs in os.walk(self.dir) for f in fs if "/sheaf-worker-" in d]
        wait_until(left)
        worker.kill()
        wait_until(lambda: not [n for n in os.listdir(self.dir) if n.startswith("sheaf-worker-")])


if __name__ == "__main__":
    unittest.main()
