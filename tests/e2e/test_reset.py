"""Every TCP connection between broker and workers is reset, again and again, while jobs pass: each job ends, none
twice. PUSH sockets lose messages at a reset without a word; the numbers on both ways have to bring them back.

The kernel resets the connections itself (ss -K, which needs root and CONFIG_INET_DIAG_DESTROY).
JOBS: how many at least, 100,000 unless told otherwise. RESET_SECONDS: the time between resets, 0.25."""
import os
import subprocess
import threading

from harness import Case, queue

JOBS = int(os.environ.get("JOBS", "100000"))
PAUSE = float(os.environ.get("RESET_SECONDS", "0.25"))
RESETS = 12    # of all connections, at least
BATCH = 50000  # jobs to a map


class Reset(Case):
    TIMEOUT = 900

    def reset(self, broker):
        """Resets all of the workers' connections; returns how many there were."""
        low, high = broker.job_ports
        where = (f"( sport = :{broker.ports['workers']} or sport = :{broker.ports['results']} "
                 f"or ( sport >= :{low} and sport <= :{high} ) )")
        done = subprocess.run(["ss", "-K", "-H", "-t", "-n", "state", "established", where],
                              capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"ss -K does not work here: {done.stderr.strip()}")
        return done.stdout.count("\n")

    def need_ss(self, broker):
        """ss -K lists what it would kill whether or not it can; a connection of our own shows which."""
        if os.geteuid() != 0:
            self.skipTest("resetting connections needs root")
        try:
            before = self.connections(broker)
            self.reset(broker)
            after = self.connections(broker)
        except FileNotFoundError:
            self.skipTest("there is no ss; the package is iproute2")
        if before and before & after:
            self.skipTest("this kernel cannot reset connections (CONFIG_INET_DIAG_DESTROY)")

    def connections(self, broker):
        """The peers' ports of the workers' connections to the results socket."""
        done = subprocess.run(["ss", "-H", "-t", "-n", "state", "established", f"sport = :{broker.ports['results']}"],
                              capture_output=True, text=True)
        return {line.split()[3] for line in done.stdout.splitlines()}

    def through(self, total, *handler):
        broker = self.broker()
        for _ in range(2):
            self.worker(broker, "q", "-j", 4, *handler)
        self.need_ss(broker)
        stop, cuts, trouble = threading.Event(), [], []

        def cut():
            try:
                while not stop.wait(PAUSE):
                    cuts.append(self.reset(broker))
            except Exception as e:  # shown by the test itself
                trouble.append(e)

        thread = threading.Thread(target=cut)
        thread.start()
        sent = 0
        try:
            while sent < total or sum(1 for c in cuts if c) < RESETS:
                lines = [str(i) for i in range(sent, sent + min(BATCH, total))]
                with open(f"{self.dir}/in", "w") as f:
                    f.writelines(x + "\n" for x in lines)
                mapping = self.command(broker, "map", "q", stdin=f"{self.dir}/in")
                self.assertEqual(mapping.wait(300), 0, mapping.tail())
                self.assertEqual(sorted(mapping.stdout().split(), key=int), lines)
                sent += len(lines)
                self.assertEqual(trouble, [])
        finally:
            stop.set()
            thread.join()
        q = queue(broker, "q")
        self.assertEqual((q["submitted"], q["done"], q["running"], q["ready"]), (sent, sent, 0, 0), q)
        print(f"{sent} jobs through {len(cuts)} resets of {sum(cuts)} connections", flush=True)

    def test_echo(self):
        self.through(JOBS, "--builtin", "echo")

    def test_exec(self):
        self.through(2000, "--", "cat")
