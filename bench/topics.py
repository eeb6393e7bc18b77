#!/usr/bin/python3
"""Measures publishing, consuming and latency on topics, by NSQ's protocol and by Sheaf's own: of a broker of its own,
durable unless told otherwise, and of another server in the same run.

    bench/topics.py [--rounds N] [--messages N] [--fsync WHEN] [--data DIR] [--nsqd HOST:PORT]… [--json]

Servers take turns in each round, so that a busy moment of the machine does not fall on one alone; what is printed are
medians, with the least and the most. Each round has topics of its own. Needs sheafd and nsq-load of a release build;
`./dev bench nsq` makes both."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests/e2e"))
from harness import Broker, environment, free_ports, program  # noqa: E402

SIZE, BATCH = 200, 200  # bytes of a message, messages of an MPUB


class Failed(Exception):
    """A measurement that did not come to its end; the text says why."""


def nsq_load(address, mode, *args, limit=600):
    """Runs nsq-load; what it found out, as a dict."""
    argv = [program("nsq-load"), mode, "--json", "--size", str(SIZE), *map(str, args), address]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=limit, env=environment())
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Edge:
    """A server of NSQ's TCP protocol. With a pid, what the server's processor time was is measured too."""

    def __init__(self, name, address, pid=None):
        self.name, self.address, self.pid = name, address, pid

    def run(self, mode, *args):
        before = cpu_seconds(self.pid) if self.pid else 0
        got = nsq_load(self.address, mode, *args)
        if self.pid and got["messages"]:
            got["server_cpu_ns_per_message"] = (cpu_seconds(self.pid) - before) * 1e9 / got["messages"]
        return got

    def round(self, number, messages, seconds):
        """One round: {line: value}. Every message that is published is consumed again."""
        topic, lines = f"bench-{os.getpid()}-{number}", {}
        got = self.run("publish", "--topic", topic, "--count", messages, "--batch", BATCH)
        lines["publish"] = got["messages_per_second"]
        lines["publish, server ns"] = got.get("server_cpu_ns_per_message")
        got = self.run("consume", "--topic", topic, "--count", messages)
        lines["consume"] = got["messages_per_second"]
        lines["consume, server ns"] = got.get("server_cpu_ns_per_message")
        for rdy in (100, 1):
            got = self.run("latency", "--topic", f"{topic}-rdy{rdy}", "--rdy", rdy, "--rate", 1000,
                           "--seconds", f"{seconds}s")
            for part in ("p50", "p99", "p999"):
                lines[f"latency, RDY {rdy}, {part}"] = got[f"received_{part}_us"]
        return lines


class Native:
    """The same broker over Sheaf's own protocol: `sheaf pub` and `sheaf sub`, from a file and to nowhere."""

    def __init__(self, name, broker, folder):
        self.name, self.broker, self.lines = name, broker, os.path.join(folder, "lines")

    def sheaf(self, command, *args, messages, **streams):
        before, began = cpu_seconds(self.broker.pid), time.perf_counter()
        argv = [program("sheaf"), command, "--broker", self.broker.url, *map(str, args)]
        done = subprocess.run(argv, stderr=subprocess.PIPE, text=True, timeout=600, env=environment(), **streams)
        seconds = time.perf_counter() - began
        if done.returncode != 0:
            raise Failed(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}")
        return messages / seconds, (cpu_seconds(self.broker.pid) - before) * 1e9 / messages

    def round(self, number, messages, _):
        topic, got = f"native-{os.getpid()}-{number}", {}
        if not os.path.exists(self.lines):
            with open(self.lines, "w") as f:
                f.writelines(f"{i:0{SIZE}}\n" for i in range(messages))
        with open(self.lines) as f:
            got["publish"], got["publish, server ns"] = self.sheaf(
                "pub", topic, "--lines", "--batch", BATCH, messages=messages, stdin=f)
        got["consume"], got["consume, server ns"] = self.sheaf(
            "sub", topic, "--channel", "bench", "-n", messages, messages=messages, stdout=subprocess.DEVNULL)
        return got


LINES = [  # name of a line, its unit, how it is shown
    ("publish", "messages/s", "{:,.0f}"),
    ("publish, server ns", "ns of processor a message", "{:,.0f}"),
    ("consume", "messages/s", "{:,.0f}"),
    ("consume, server ns", "ns of processor a message", "{:,.0f}"),
    *((f"latency, RDY {rdy}, {part}", "us", "{:,.0f}") for rdy in (100, 1) for part in ("p50", "p99", "p999")),
]


def file_system(folder):
    done = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def fdatasync_us(folder, times=200):
    """What one append of 4 KiB with its fdatasync takes there, the median."""
    took, path = [], os.path.join(folder, "floor")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(fd, b"x" * 4096)
            os.fdatasync(fd)
            took.append(time.perf_counter() - began)
    finally:
        os.close(fd)
        os.unlink(path)
    return statistics.median(took) * 1e6


def machine(folder):
    cpu = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    return {"processors": os.cpu_count(), "processor": cpu, "load": os.getloadavg()[0],
            "file_system": file_system(folder), "fdatasync_us": fdatasync_us(folder)}


def print_table(about, servers, rounds):
    print(f"{about['processors']} × {about['processor']}, load {about['load']:.2f}; 4 KiB appended and synced in "
          f"{about['fdatasync_us']:.0f} us on {about['file_system']}")
    print(f"{SIZE}-byte messages, {BATCH} a batch, {about['messages']:,} of them; medians of {about['rounds']} rounds "
          "(least to most)\n")
    print(f"{'':30}" + "".join(f"{s.name:>38}" for s in servers) + "   UNIT")
    for name, unit, form in LINES:
        cells = []
        for s in servers:
            values = [r[name] for r in rounds[s.name] if r.get(name) is not None]
            if values:
                span = f"({form.format(min(values))} to {form.format(max(values))})"
                cells.append(f"{form.format(statistics.median(values))} {span:>24}")
            else:
                cells.append("-" + " " * 25)
        print(f"{name:30}" + "".join(f"{c:>38}" for c in cells) + f"   {unit}", flush=True)


def measure(options, servers):
    rounds = {s.name: [] for s in servers}
    for number in range(options.rounds):
        for s in servers:
            rounds[s.name].append(s.round(number, options.messages, options.seconds))
            print(f"round {number + 1}: {s.name}: " + ", ".join(
                f"{k} {v:,.0f}" for k, v in rounds[s.name][-1].items() if v is not None), file=sys.stderr, flush=True)
    return rounds


def options_of(argv):
    parser = argparse.ArgumentParser(description="Measures publishing, consuming and latency on topics.")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    parser.add_argument("--messages", type=int, default=2000000, metavar="N", help="of a round; default 2,000,000")
    parser.add_argument("--seconds", type=int, default=5, metavar="N", help="for each latency; default 5")
    parser.add_argument("--fsync", default="always", metavar="WHEN", help="as sheafd has it; default always")
    parser.add_argument("--data", metavar="DIR", help="below which the broker's data goes; default a temporary folder")
    parser.add_argument("--nsqd", action="append", default=[], metavar="HOST:PORT", help="measure that server, too")
    parser.add_argument("--json", action="store_true", help="one document for programs")
    options = parser.parse_args(argv)
    if min(options.rounds, options.messages, options.seconds) < 1:
        parser.error("--rounds, --messages and --seconds have to be 1 at least")
    return options


def main(argv):
    options = options_of(argv)
    folder = tempfile.mkdtemp(prefix="sheaf-bench-", dir=options.data)
    address = f"127.0.0.1:{free_ports(1)}"
    broker = Broker(folder, fsync=options.fsync, nsq=address)
    try:
        about = machine(folder) | {"fsync": options.fsync, "messages": options.messages, "rounds": options.rounds}
        broker.start()
        servers = [Edge(f"Sheaf's NSQ edge, fsync {options.fsync}", address, broker.pid)]
        servers.append(Native("Sheaf's own protocol", broker, folder))
        servers += [Edge(f"nsqd at {a}", a) for a in options.nsqd]
        rounds = measure(options, servers)
        if options.json:
            print(json.dumps({"machine": about, "rounds": rounds}))
        else:
            print_table(about, servers, rounds)
        broker.stop()
    except (Failed, AssertionError, subprocess.TimeoutExpired) as e:
        print(f"bench: {e}\nthe broker's last lines:\n{broker.tail()}", file=sys.stderr)
        return 1
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
