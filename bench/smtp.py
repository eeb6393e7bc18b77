#!/usr/bin/python3
"""Measures how many mails a second are accepted: by Sheaf, where each is a durable job before its 250; by smtp-sink,
which stores nothing; by Postfix's smtpd, which syncs each into its queue.

    bench/smtp.py [--rounds N] [--mails N] [--size BYTES] [--fsync WHEN] [--apart] [--data DIR] [--json]

Postfix's smtp-source sends. The servers take turns in each round, so that a busy moment of the machine does not fall
on one alone; what is printed are medians, with the least and the most, and Sheaf's ratio to the others. Postfix holds
what it has accepted (HOLD), so that its deliveries cost it nothing. `./dev bench smtp` builds what is needed and
fetches Postfix; it has to run as root, for Postfix's sake, else Postfix is left out."""
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
from harness import queue  # noqa: E402
from smtp_postfix import Postfix, SmtpSink, run  # noqa: E402
from smtp_rig import Rig  # noqa: E402
from topics import Failed, cpu_seconds, machine  # noqa: E402

LOADS = [  # name, arguments of smtp-source
    ("20 sessions, reused", ("-s", 20, "-d")),
    ("20 sessions, one mail each", ("-s", 20)),
    ("100 sessions, reused", ("-s", 100, "-d")),
]
BARS = [  # what is promised: load, server, ratio at least
    ("20 sessions, reused", "smtp-sink", 0.5),
    ("20 sessions, reused", "Postfix smtpd", 5.0),
    ("100 sessions, reused", "smtp-sink", 0.8),
]


class Server:
    """`stored` says how many mails it has."""

    def __init__(self, name, process, address, rcpt, stored=None, clear=None, pids=()):
        self.name, self.process, self.address, self.rcpt = name, process, address, rcpt
        self.stored, self.clear, self.pids = stored, clear, pids

    def send(self, options, mails, *args):
        """Mails a second, and ns of the server's processor a mail where it has a process of its own."""
        before, used = self.stored() if self.stored else 0, sum(map(cpu_seconds, self.pids))
        began = time.perf_counter()
        done = run("smtp-source", *args, "-l", options.size, "-m", mails, "-f", "bench@client.test", "-t", self.rcpt,
                   self.address, timeout=900)
        seconds = time.perf_counter() - began
        if done.returncode != 0:
            raise Failed(f"smtp-source to {self.name} ended with {done.returncode}: {done.stderr}\n"
                         + self.process.tail())
        used = sum(map(cpu_seconds, self.pids)) - used
        if self.stored and self.stored() != before + mails:
            raise Failed(f"{self.name} has {self.stored() - before} of {mails} mails")
        if self.clear:
            self.clear()
        return mails / seconds, used * 1e9 / mails if self.pids else None

    def round(self, options):
        got = {}
        for name, args in LOADS:
            got[name], got[name + ", server ns"] = self.send(options, options.mails, *args)
        return got


def clear_hold(postfix):
    """Throws away what Postfix holds, outside of what is measured."""
    hold = os.path.join(postfix.queue, "hold")
    for name in os.listdir(hold):
        path = os.path.join(hold, name)
        if os.path.isfile(path):
            os.unlink(path)


def start_servers(options, folder, started):
    """The servers; what is in `started` has to be ended."""
    rig = Rig(os.path.join(folder, "sheaf"), options.apart, broker={"fsync": options.fsync},
              options={"connections": "1000"})
    started.append(rig)
    rig.start("bench").accepts()
    sheaf = Server(f"Sheaf, fsync {options.fsync}", rig, rig.smtp, "bench@localhost",
                   lambda: queue(rig.broker, "bench")["submitted"],
                   pids={rig.broker.pid, rig.ingress.pid})
    sink = SmtpSink(folder)
    started.append(sink)
    sink.start()
    servers = [sheaf, Server("smtp-sink", sink, sink.address, "bench@localhost", pids=[sink.pid])]
    if os.geteuid() == 0:
        postfix = Postfix(folder, {
            "relay_domains": "bench.test", "smtpd_data_restrictions": "check_client_access static:HOLD",
            "smtpd_client_connection_count_limit": "0", "smtpd_client_connection_rate_limit": "0",
            "smtpd_client_message_rate_limit": "0", "default_process_limit": "200"}, base=folder)
        started.append(postfix)
        postfix.start()
        servers.append(Server("Postfix smtpd", postfix, postfix.address, "bench@bench.test",
                              lambda: postfix.left("hold"), lambda: clear_hold(postfix)))
    else:
        print("bench: not root, so Postfix is left out", file=sys.stderr)
    return servers


def measure(options, servers):
    for s in servers:
        s.send(options, 500, "-s", 20, "-d")
    rounds = {s.name: [] for s in servers}
    for number in range(options.rounds):
        for s in servers:
            rounds[s.name].append(s.round(options))
            print(f"round {number + 1}: {s.name}: " + ", ".join(
                f"{name} {rounds[s.name][-1][name]:,.0f}" for name, _ in LOADS), file=sys.stderr, flush=True)
    return rounds


def ratios(servers, rounds):
    """[(load, server, median of the rounds' ratios, bar or None)]"""
    ours, found = rounds[servers[0].name], []
    for name, _ in LOADS:
        for s in servers[1:]:
            got = statistics.median(a[name] / b[name] for a, b in zip(ours, rounds[s.name]))
            bar = next((b for load, who, b in BARS if (load, who) == (name, s.name)), None)
            found.append((name, s.name, got, bar))
    return found


def print_table(about, servers, rounds):
    print(f"{about['processors']} × {about['processor']}, load {about['load']:.2f}; 4 KiB appended and synced in "
          f"{about['fdatasync_us']:.0f} us on {about['file_system']}")
    print(f"mails of {about['size']} bytes, {about['mails']:,} a load, by smtp-source; Sheaf "
          f"{'apart from its broker' if about['apart'] else 'in one process'}; medians of {about['rounds']} rounds "
          "(least to most)\n")
    print(f"{'':40}" + "".join(f"{s.name:>34}" for s in servers) + "   UNIT")
    lines = [(name, "mails/s") for name, _ in LOADS]
    lines += [(name + ", server ns", "ns of processor a mail") for name, _ in LOADS]
    for name, unit in lines:
        cells = []
        for s in servers:
            values = [r[name] for r in rounds[s.name] if r[name] is not None]
            span = f"({min(values):,.0f} to {max(values):,.0f})" if values else ""
            cells.append(f"{statistics.median(values):,.0f} {span:>22}" if values else "-" + " " * 23)
        print(f"{name:40}" + "".join(f"{c:>34}" for c in cells) + f"   {unit}")
    print()
    for name, other, got, bar in ratios(servers, rounds):
        verdict = "" if bar is None else f"   the bar is {bar}: " + ("met" if got >= bar else "MISSED")
        print(f"{name:30} {got:6.2f} × {other}{verdict}", flush=True)


def options_of(argv):
    parser = argparse.ArgumentParser(description="Measures how many mails a second are accepted.")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    parser.add_argument("--mails", type=int, default=20000, metavar="N", help="of each load; default 20,000")
    parser.add_argument("--size", type=int, default=1000, metavar="BYTES", help="of a mail; default 1000")
    parser.add_argument("--fsync", default="always", metavar="WHEN", help="as sheafd has it; default always")
    parser.add_argument("--apart", action="store_true", help="sheaf-smtpd beside sheafd, not in it")
    parser.add_argument("--data", metavar="DIR", help="below which all data goes; default a temporary folder")
    parser.add_argument("--json", action="store_true", help="one document for programs")
    options = parser.parse_args(argv)
    if min(options.rounds, options.mails, options.size) < 1:
        parser.error("--rounds, --mails and --size have to be 1 at least")
    return options


def main(argv):
    options = options_of(argv)
    folder, started = tempfile.mkdtemp(prefix="sheaf-bench-", dir=options.data), []
    os.chmod(folder, 0o755)  # Postfix's processes have to reach theirs
    try:
        about = machine(folder) | {"fsync": options.fsync, "mails": options.mails, "rounds": options.rounds,
                                   "size": options.size, "apart": options.apart}
        servers = start_servers(options, folder, started)
        rounds = measure(options, servers)
        if options.json:
            print(json.dumps({"machine": about, "rounds": rounds, "ratios": [
                {"load": name, "to": other, "ratio": got, "bar": bar}
                for name, other, got, bar in ratios(servers, rounds)]}))
        else:
            print_table(about, servers, rounds)
        started[0].stop()
    except (Failed, AssertionError, subprocess.TimeoutExpired) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    finally:
        for s in reversed(started):
            s.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
