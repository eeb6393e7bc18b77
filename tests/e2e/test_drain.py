"""SIGTERM: intake stops, what is in hand is finished or handed back, exit 0. A second one is immediate."""
import os
import signal

from harness import Case, descendants, is_alive, queue, wait_until


class Drain(Case):
    def exists(self, name):
        return os.path.exists(f"{self.dir}/{name}")

    def script(self, text):
        """A handler in which $D is the test's folder."""
        return ["--", "sh", "-c", f"D={self.dir}; {text}"]

    def test_a_worker_finishes_what_it_runs(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "-j", 1, *self.script(
            "touch $D/began; while [ ! -e $D/go ]; do sleep 0.02; done; echo finished"))
        first = self.expect(0, broker, "submit", "q", "1").stdout.strip()
        rest = [self.expect(0, broker, "submit", "q", str(i)).stdout.strip() for i in range(2, 8)]
        wait_until(lambda: self.exists("began"), what="the first job to start")
        worker.signal(signal.SIGTERM)
        wait_until(lambda: queue(broker, "q")["ready"] == len(rest), what="the waiting jobs to be handed back")
        open(f"{self.dir}/go", "w").close()
        self.assertEqual(worker.wait(), 0, worker.tail())
        self.assertEqual(self.expect(0, broker, "result", first).stdout, "finished\n")
        self.assertEqual(queue(broker, "q")["done"], 1)
        self.worker(broker, "q", "-j", 2, "--builtin", "echo")
        self.expect(0, broker, "wait", *rest)
        self.assertEqual([self.expect(0, broker, "result", i).stdout for i in rest], [str(i) for i in range(2, 8)])

    def test_a_worker_hands_back_at_the_end_of_grace(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "-j", 1, "--grace", "500ms", *self.script(
            "echo $SHEAF_ATTEMPT >>$D/attempts; [ -e $D/second ] && exit 0; touch $D/second; sleep 600"))
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        wait_until(lambda: self.exists("second"), what="the job to start")
        handlers = descendants(worker.pid)
        worker.stop()
        wait_until(lambda: not any(is_alive(p) for p in handlers), what="the handler to be gone")
        wait_until(lambda: queue(broker, "q")["ready"] == 1, what="the job to be handed back")
        self.worker(broker, "q", "-j", 1, *self.script("echo $SHEAF_ATTEMPT >>$D/attempts; echo at last"))
        self.expect(0, broker, "wait", job)
        self.assertEqual(self.expect(0, broker, "result", job).stdout, "at last\n")
        with open(f"{self.dir}/attempts") as f:  # handed back, not failed: the attempt was not used up
            self.assertEqual(f.read().split(), ["1", "1"])

    def test_a_second_sigterm_is_immediate(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "-j", 1, "--grace", "1h", *self.script("touch $D/began; sleep 3000"))
        self.expect(0, broker, "submit", "q", "x")
        wait_until(lambda: self.exists("began"), what="the job to start")
        handlers = descendants(worker.pid)
        worker.signal(signal.SIGTERM)
        wait_until(lambda: worker.p.poll() is not None or "drain" in worker.stderr().lower(), what="the drain to begin")
        self.assertTrue(worker.running(), "it is to wait for its job")
        worker.signal(signal.SIGTERM)
        worker.wait()
        wait_until(lambda: not any(is_alive(p) for p in handlers), what="the handler to be gone")

    def test_a_broker_continues_where_it_stopped(self):
        broker = self.broker()
        ids = self.expect(0, broker, "submit", "q", "--lines", input="".join(f"{i}\n" for i in range(100))) \
            .stdout.split()
        self.assertEqual(len(set(ids)), 100)
        broker.restart()
        self.assertEqual(queue(broker, "q")["ready"], 100)
        self.worker(broker, "q", "--builtin", "echo")
        self.expect(0, broker, "wait", *ids)
        self.assertEqual([self.expect(0, broker, "result", i).stdout for i in ids[:5]], ["0", "1", "2", "3", "4"])
        broker.restart()
        self.assertEqual((queue(broker, "q")["submitted"], queue(broker, "q")["done"]), (100, 100))
        self.assertEqual(self.expect(0, broker, "result", ids[99]).stdout, "99")

    def test_a_broker_stops_with_a_worker_at_work(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "-j", 1, *self.script(
            "touch $D/began; while [ ! -e $D/go ]; do sleep 0.02; done; echo finished"))
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        wait_until(lambda: self.exists("began"), what="the job to start")
        broker.stop()
        open(f"{self.dir}/go", "w").close()
        broker.start()
        self.expect(0, broker, "wait", job)
        self.assertEqual(self.expect(0, broker, "result", job).stdout, "finished\n")
        worker.stop()

    def test_a_map_carries_on(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "-j", 2, "--", "sh", "-c", "sleep 0.01; cat")
        lines = [str(i) for i in range(600)]
        with open(f"{self.dir}/in", "w") as f:
            f.writelines(x + "\n" for x in lines)
        mapping = self.command(broker, "map", "q", "--ordered", stdin=f"{self.dir}/in")
        for count in (50, 200):
            wait_until(lambda: len(mapping.stdout().split()) >= count or not mapping.running(), what="results")
            self.assertTrue(mapping.running(), mapping.tail())
            broker.stop()
            broker.start()
        self.assertEqual(mapping.wait(), 0, mapping.tail())
        self.assertEqual(mapping.stdout().split(), lines)
        self.assertEqual((queue(broker, "q")["submitted"], queue(broker, "q")["done"]), (600, 600))
        worker.stop()
        broker.stop()

    def test_idle_programs_stop(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "--builtin", "echo")
        for sig in (signal.SIGINT, signal.SIGTERM):
            worker.signal(sig)
            self.assertEqual(worker.wait(), 0, worker.tail())
            worker.start()
        broker.signal(signal.SIGINT)
        self.assertEqual(broker.wait(), 0, broker.tail())
        worker.stop()  # a worker without its broker stops as well


class DrainQueue(Case):
    def test_a_queue_is_drained_and_opened_again(self):
        """It takes no more jobs, what it has ends, and the command returns then; a restart changes nothing."""
        broker = self.broker()
        self.expect(0, broker, "submit", "q", "x")
        late = self.expect(124, broker, "queue", "q", "drain", "--timeout", "300ms")
        self.assertIn("stays closed", late.stderr)
        closed = self.expect(4, broker, "submit", "q", "y")
        self.assertIn("resume", closed.stderr)
        broker.kill()
        broker.start()
        drain = self.command(broker, "queue", "q", "drain")
        worker = self.worker(broker, "q", "--builtin", "echo", "-j", 1)
        self.assertEqual(drain.wait(30), 0, drain.tail())
        self.expect(4, broker, "submit", "q", "y")
        self.expect(0, broker, "queue", "q", "resume")
        self.assertEqual(self.expect(0, broker, "run", "q", "z").stdout, "z")
        worker.stop()
        broker.stop()
