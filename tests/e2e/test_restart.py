"""A long job is in progress while the broker goes away and comes back three times: it runs once.

JOB_SECONDS is how long the job takes: 20 unless told otherwise."""
import os
import time

from harness import Case, wait_until

JOB_SECONDS = int(os.environ.get("JOB_SECONDS", "20"))


class Restart(Case):
    TIMEOUT = 120 + 2 * JOB_SECONDS

    def lines(self):
        with open(f"{self.dir}/runs") as f:
            return f.read().split()

    def run_through(self, restarts):
        broker = self.broker()
        open(f"{self.dir}/runs", "w").close()
        script = f"echo start >>{self.dir}/runs; sleep {JOB_SECONDS}; echo end >>{self.dir}/runs; printf done"
        worker = self.worker(broker, "q", "-j", 1, "--", "sh", "-c", script)
        run = self.command(broker, "run", "q", "payload")
        wait_until(lambda: self.lines() == ["start"], what="the job to start")
        for restart in restarts:
            time.sleep(JOB_SECONDS / 10)  # long enough for the lease to become a fact, and for the broker to settle
            if restart == "stop":
                broker.stop()
            else:
                broker.kill()
            broker.start()
        self.assertEqual(self.lines(), ["start"], "the job was to outlast the restarts; take a larger JOB_SECONDS")
        self.assertEqual(run.wait(JOB_SECONDS + 60), 0, run.tail())
        self.assertEqual(run.stdout(), "done")
        self.assertEqual(self.lines(), ["start", "end"])
        worker.stop()
        broker.stop()

    def test_killed(self):
        self.run_through(["kill", "kill", "kill"])

    def test_stopped(self):
        self.run_through(["stop", "kill", "stop"])
