#!/usr/bin/python3
"""Runs the tests with real processes: tests/e2e/test_*.py and tests/compat/test_*.py.

    tests/e2e/run.py [-j N] [-t SECONDS] [NAME…]

NAME is a part of a file's or a test's name; without one, all run. Each file runs in a process of its own, N at a
time (default 2). A test that takes longer than SECONDS (default 180, or the TIMEOUT of its class) is ended, and so
is the rest of its file. What a test leaves behind is ended too, and counts as a failure. The last line is
`N passed, N failed`."""
import argparse
import ctypes
import glob
import importlib.util
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness import BIN, descendants, is_alive  # noqa: E402

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None)


# The child: runs one file's tests and says on a pipe which test it is at.

class Reporter(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out, self.bad = out, False

    def say(self, *words):
        self.out.write("\t".join(words) + "\n")
        self.out.flush()

    def startTest(self, test):
        super().startTest(test)
        self.bad, self.skip = False, None
        self.say("start", test.id(), str(getattr(test, "TIMEOUT", 0)))

    def stopTest(self, test):
        if self.skip is not None:
            self.say("skip", test.id(), self.skip)
        else:
            self.say("fail" if self.bad else "pass", test.id())
        super().stopTest(test)

    def trouble(self, test, err):
        self.bad = True
        self.errors.append((test, ""))
        print(self._exc_info_to_string(err, test), flush=True)
        if not hasattr(test, "_testMethodName"):  # setUpClass, tearDownClass, or the module's
            self.say("start", test.id(), "0")
            self.say("fail", test.id())

    addError = addFailure = trouble

    def addSubTest(self, test, subtest, err):
        if err is not None:
            print(f"in {subtest}:", flush=True)
            self.trouble(test, err)

    def addSkip(self, test, reason):
        self.skip = reason
        if not hasattr(test, "_testMethodName"):
            self.say("skip", test.id(), reason)


def run_file(path, names, fd):
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    out = os.fdopen(fd, "w")
    sys.path.insert(0, os.path.dirname(path))
    name = os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    tests = unittest.TestSuite(t for t in flat(unittest.defaultTestLoader.loadTestsFromModule(module))
                               if not names or any(n in t.id() for n in names))
    tests.run(Reporter(out))
    out.write("end\n")
    out.flush()


def flat(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from flat(t)
        else:
            yield t


# The parent.

class Run:
    def __init__(self, options):
        self.options = options
        self.passed = self.failed = self.skipped = 0
        self.lock = threading.Lock()

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def one_file(self, path):
        read, write = os.pipe()
        log = os.path.join(self.options.logs, os.path.basename(path)[:-3] + ".log")
        with open(log, "wb") as out:
            child = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--child", path, str(write),
                                      *self.options.names], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     pass_fds=[write], start_new_session=True)
        os.close(write)
        lines = queue.Queue()
        threading.Thread(target=lambda: ([lines.put(x.rstrip("\n")) for x in os.fdopen(read)], lines.put(None)),
                         daemon=True).start()
        try:
            self.follow(path, child, lines, log)
        finally:
            self.end(path, child, log)

    def follow(self, path, child, lines, log):
        test, began, limit, from_byte = None, time.monotonic(), self.options.timeout, 0
        while True:
            try:
                line = lines.get(timeout=max(0.01, began + limit - time.monotonic()))
            except queue.Empty:
                self.bad(test or path, f"took longer than {limit:.0f} s", log, from_byte)
                return
            if line is None:
                self.bad(test or path, "its process ended early", log, from_byte)
                return
            word, *rest = line.split("\t")
            if word == "start":
                test, began, from_byte = rest[0], time.monotonic(), os.path.getsize(log)
                limit = float(rest[1]) or self.options.timeout
                if self.options.verbose:
                    self.say(f"  ..   {test}")
            elif word == "pass":
                self.passed += 1
                self.say(f"  ok   {test}  {time.monotonic() - began:.1f} s")
            elif word == "skip":
                self.skipped += 1
                self.say(f"  SKIP {rest[0]}: {rest[1]}")
            elif word == "fail":
                self.bad(test, f"{time.monotonic() - began:.1f} s", log, from_byte)
            elif word == "end":
                return

    def bad(self, test, why, log, from_byte):
        self.failed += 1
        with open(log, "rb") as f:
            f.seek(from_byte)
            text = f.read().decode(errors="replace")
        self.say(f"  FAIL {test}: {why}\n" + "\n".join("       " + x for x in text.splitlines()[-150:])
                 + f"\n       ({log})")

    def end(self, path, child, log):
        """Ends the child and everything below it."""
        for _ in range(50):
            if child.poll() is not None:
                break
            time.sleep(0.1)
        left = [p for p in descendants(child.pid) if is_alive(p)] if child.poll() is None else []
        for pid in ([child.pid] if child.poll() is None else []) + left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        child.wait()


def reap_orphans(run, marker):
    """What the tests' processes left behind has become a child of ours: it is ended, and named."""
    time.sleep(0.2)
    for pid in descendants(os.getpid()):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if not is_alive(pid) or not line:
            continue
        run.failed += 1
        run.say(f"  FAIL {marker} left a process behind: {pid} {line}")
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def main():
    parser = argparse.ArgumentParser(description="Runs the tests with real processes.")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="files at a time (default 2)")
    parser.add_argument("-t", "--timeout", type=float, default=180, metavar="SECONDS",
                        help="for one test (default 180)")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each test when it begins, too")
    parser.add_argument("--logs", default=os.path.join(HERE, "../../build/logs/e2e"), help="folder for output")
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of the names of files or tests")
    options = parser.parse_args()
    options.logs = os.path.abspath(options.logs)
    os.makedirs(options.logs, exist_ok=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    for name in ("sheafd", "sheaf-worker", "sheaf"):
        if not os.access(os.path.join(BIN, name), os.X_OK):
            sys.exit(f"run.py: no {name} in {BIN}; ./dev build makes it, SHEAF_BIN names another folder")
    files = sorted(glob.glob(os.path.join(HERE, "test_*.py")) + glob.glob(os.path.join(HERE, "../compat/test_*.py")))
    if options.names:
        of_files = [f for f in files if any(n in os.path.basename(f) for n in options.names)]
        if of_files and all(any(n in os.path.basename(f) for f in of_files) for n in options.names):
            files, options.names = of_files, []
    run = Run(options)
    todo = queue.Queue()
    for f in files:
        todo.put(os.path.abspath(f))

    def work():
        while True:
            try:
                path = todo.get_nowait()
            except queue.Empty:
                return
            try:
                run.one_file(path)
            except Exception as e:  # a mistake in the runner must not pass for a success
                run.failed += 1
                run.say(f"  FAIL {path}: the runner: {e!r}")

    threads = [threading.Thread(target=work) for _ in range(max(1, options.j))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    reap_orphans(run, "a test")
    if run.skipped:
        print(f"{run.skipped} skipped")
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed or not run.passed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_file(sys.argv[2], sys.argv[4:], int(sys.argv[3]))
    else:
        sys.exit(main())
