"""What the tests with real processes share: a broker, workers and the CLI on ports of their own.

Plain Python 3.11 from Debian (/usr/bin/python3), nothing else. The programs come from $SHEAF_BIN, or from
build/release/bin. Every process writes its stderr to a file in the test's folder; a test that fails shows the ends
of these files. Every process is ended by its pid when its test ends. No test asserts a time: wait_until() waits for
a condition and its bound is generous.

    class Echo(Case):
        def test_one(self):
            broker = self.broker()
            self.worker(broker, "q", "--builtin", "echo")
            done = self.sheaf(broker, "run", "q", "hello")
            self.assertEqual((done.returncode, done.stdout), (0, "hello"))
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("SHEAF_BIN", os.path.join(ROOT, "build/release/bin")))
PATIENCE = float(os.environ.get("SHEAF_PATIENCE", "60"))  # seconds that wait_until() waits unless told otherwise
JOBS_PORTS = 40                                           # ports for workers, of each broker
TAIL = 40                                                 # lines of each stderr shown when a test fails


def program(name):
    return os.path.join(BIN, name)


def environment(**more):
    """The environment without what this machine's user may have set for Sheaf."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SHEAF_")}
    env.update(more)
    return env


def wait_until(condition, seconds=None, what=None):
    """Calls condition() until it returns something true, and returns that. AssertionError after `seconds`."""
    end = time.monotonic() + (PATIENCE if seconds is None else seconds)
    pause = 0.005
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + (what or getattr(condition, "__name__", "a condition")))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def port_is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """The first of `count` neighbouring free ports, below those that the kernel hands out by itself."""
    rng = random.Random(os.urandom(8))
    for _ in range(200):
        first = rng.randrange(12000, 32000 - count)
        if all(port_is_free(p) for p in range(first, first + count)):
            return first
    raise AssertionError("no free ports")


def process_state(pid):
    """The letter of /proc/PID/stat: R S D Z T …; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    return process_state(pid) not in (None, "Z", "X")


def descendants(pid):
    """The pids below `pid`, itself not included."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as f:
                    parents.setdefault(int(f.read().rpartition(")")[2].split()[1]), []).append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def pids_with_environment(key, value):
    """The pids of all live processes that have KEY=VALUE in their environment."""
    want, found = f"{key}={value}".encode(), []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as f:
                    if want in f.read().split(b"\0") and is_alive(int(name)):
                        found.append(int(name))
            except OSError:
                pass
    return found


class Process:
    """One program, its stderr (and, if asked, its stdout) in files named after it."""

    def __init__(self, folder, name):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.name, self.p = folder, name, None
        self.stderr_path = os.path.join(folder, name + ".stderr")
        self.stdout_path = os.path.join(folder, name + ".stdout")
        self.from_byte = 0  # where the stderr of the present run begins

    def spawn(self, args, stdin=None, env=None, own_group=False):
        """Starts it. stdin: a path, or None for nothing to read. own_group: it leads a process group."""
        self.from_byte = os.path.getsize(self.stderr_path) if os.path.exists(self.stderr_path) else 0
        with open(self.stderr_path, "ab") as err, open(self.stdout_path, "ab") as out, \
                open(stdin or "/dev/null", "rb") as inp:
            self.p = subprocess.Popen(args, stdin=inp, stdout=out, stderr=err, env=environment(**(env or {})),
                                      start_new_session=own_group)
        return self

    @property
    def pid(self):
        return self.p.pid

    def stderr(self):
        with open(self.stderr_path, "rb") as f:
            f.seek(self.from_byte)
            return f.read().decode(errors="replace")

    def stdout(self):
        with open(self.stdout_path, "rb") as f:
            return f.read().decode(errors="replace")

    def running(self):
        return self.p is not None and self.p.poll() is None

    def wait(self, seconds=None):
        """Its exit status; AssertionError if it does not end."""
        try:
            return self.p.wait(PATIENCE if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end; its stderr ends:\n{self.tail()}") from None

    def signal(self, sig):
        self.p.send_signal(sig)

    def kill(self):
        """SIGKILL, and waits until it is gone."""
        if self.running():
            self.p.kill()
            self.p.wait()

    def stop(self, seconds=None, expect=0):
        """SIGTERM, then waits; the exit status has to be `expect`."""
        self.p.send_signal(signal.SIGTERM)
        status = self.wait(seconds)
        if status != expect:
            raise AssertionError(f"{self.name} ended with {status}, not {expect}:\n{self.tail()}")

    def wait_line(self, pattern, seconds=None):
        """Waits for a line on its stderr that `pattern` (a regular expression) matches; returns the match."""
        def look():
            found = re.search(pattern, self.stderr(), re.M)
            if not found and not self.running():
                found = re.search(pattern, self.stderr(), re.M)
                if not found:
                    raise AssertionError(f"{self.name} ended with {self.p.returncode} before it wrote {pattern!r}:\n"
                                         + self.tail())
            return found
        return wait_until(look, seconds, f"{self.name} to write {pattern!r}; it wrote:\n{self.tail()}")

    def tail(self, lines=TAIL):
        if not os.path.exists(self.stderr_path):
            return "(nothing)"
        with open(self.stderr_path, "rb") as f:
            f.seek(max(0, os.path.getsize(self.stderr_path) - 64 * 1024))
            return "\n".join(f.read().decode(errors="replace").splitlines()[-lines:]) or "(nothing)"


class Broker(Process):
    """sheafd on free ports with its data in FOLDER/data. Flags as keywords: Broker(dir, fsync="never", memory="64M").
    A restart uses the same ports and data."""
    count = 0

    def __init__(self, folder, data=None, **flags):
        Broker.count += 1
        super().__init__(folder, f"sheafd-{Broker.count}")
        self.data = data or os.path.join(folder, "data")
        self.flags = flags
        first = free_ports(10 + JOBS_PORTS)
        self.ports = {"listen": first, "results": first + 1, "workers": first + 2}
        self.job_ports = (first + 10, first + 9 + JOBS_PORTS)
        self.url = f"tcp://127.0.0.1:{first}"
        self.ready = {}

    def command(self):
        args = [program("sheafd"), "--data", self.data]
        for name, port in self.ports.items():
            args += [f"--{name}", f"tcp://127.0.0.1:{port}"]
        args += ["--jobs", "tcp://127.0.0.1:%d-%d" % self.job_ports]
        for name, value in self.flags.items():
            flag = "--" + name.replace("_", "-")
            args += [flag] if value is True else [flag, str(value)]
        return args

    def start(self, ready=True, seconds=None):
        """Starts it and, unless told otherwise, waits until it is ready. self.ready has what the ready line says."""
        self.spawn(self.command())
        if ready:
            line = self.wait_line(r"^sheafd ready.*$", seconds).group(0)
            self.ready = dict(w.split("=", 1) for w in line.split() if "=" in w)
        return self

    def restart(self, seconds=None):
        """SIGTERM, expects 0, starts it again on the same data."""
        self.stop(seconds)
        return self.start(seconds=seconds)


class Worker(Process):
    """sheaf-worker. Worker(broker, "q", "--builtin", "echo") or Worker(broker, "q", "-j", "2", "--", "cat")."""
    count = 0

    def __init__(self, broker, queues, *args, folder=None, env=None, broker_url=None):
        Worker.count += 1
        super().__init__(folder or broker.folder, f"worker-{Worker.count}")
        self.env = env
        self.args = [program("sheaf-worker"), queues, "--broker", broker_url or broker.url, *map(str, args)]

    def start(self, ready=True, seconds=None):
        self.spawn(self.args, env=self.env)
        if ready:
            self.wait_line(r"^sheaf-worker ready", seconds)
        return self


class Command(Process):
    """A `sheaf` command that runs beside the test; its stdout goes to a file. stdin: a path."""
    count = 0

    def __init__(self, broker, *args, folder=None, stdin=None):
        Command.count += 1
        super().__init__(folder or broker.folder, f"sheaf-{args[0]}-{Command.count}")
        self.args = [program("sheaf"), *map(str, args), "--broker", broker.url]
        if "--" in args:
            self.args = [program("sheaf"), args[0], "--broker", broker.url, *map(str, args[1:])]
        self.stdin = stdin

    def start(self):
        return self.spawn(self.args, stdin=self.stdin)


def sheaf(broker, *args, input=None, timeout=None, text=True):
    """Runs a `sheaf` command to its end. broker: a Broker, a URL, or None for none. Input and output are text, or
    bytes with text=False."""
    url = getattr(broker, "url", broker)
    argv = [program("sheaf"), *map(str, args[:1])]
    argv += ["--broker", url] if url else []
    argv += map(str, args[1:])
    return subprocess.run(argv, input=(b"" if not text else "") if input is None else input, capture_output=True,
                          text=text, timeout=timeout or 2 * PATIENCE, env=environment())


def queue(broker, name):
    """`sheaf queue NAME --json` as a dict."""
    done = sheaf(broker, "queue", name, "--json")
    if done.returncode != 0:
        raise AssertionError(f"sheaf queue {name} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


class Case(unittest.TestCase):
    """A test with a folder of its own (self.dir) and processes that end with it."""
    maxDiff = 4000

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sheaf-e2e-")
        self.processes = []
        self.troubles_before = self.troubles()
        self.addCleanup(self.clean)

    def own(self, process):
        """Makes `process` end with this test."""
        self.processes.append(process)
        return process

    def broker(self, **flags):
        return self.own(Broker(self.dir, **flags)).start()

    def worker(self, broker, queues, *args, **more):
        return self.own(Worker(broker, queues, *args, **more)).start()

    def command(self, broker, *args, **more):
        return self.own(Command(broker, *args, **more)).start()

    def sheaf(self, broker, *args, **more):
        return sheaf(broker, *args, **more)

    def expect(self, status, broker, *args, **more):
        """Runs a `sheaf` command that has to end with `status`; returns it."""
        done = sheaf(broker, *args, **more)
        said = f"sheaf {' '.join(map(str, args))[:300]}\n{done.stdout[:1000]!r}\n{done.stderr[-3000:]}"
        self.assertEqual(done.returncode, status, said)
        return done

    def troubles(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def clean(self):
        for p in reversed(self.processes):
            p.kill()
        if self.troubles() > self.troubles_before:
            for p in self.processes:
                print(f"--- the stderr of {p.name} (exit status {p.p.returncode if p.p else '-'}) ends:\n{p.tail()}",
                      flush=True)
        shutil.rmtree(self.dir, ignore_errors=True)
