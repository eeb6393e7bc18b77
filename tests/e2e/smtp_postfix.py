"""Postfix without an installation: the programs of Debian's package, unpacked into build/postfix by `./dev`, and an
instance with its configuration, queue and data in a folder of its own, on loopback. Nothing of the system is touched.

    postfix = Postfix(folder, {"relayhost": "[127.0.0.1]:2525"}).start()     # its smtpd is at postfix.address
    run("smtp-source", "-m", 100, "-t", "q@jobs.test", postfix.address)

Postfix wants to be started by root, and gives its rights up to users that every Debian has."""
import os
import pwd
import re
import signal
import subprocess
import tempfile

from harness import PATIENCE, ROOT, Process, environment, free_ports, wait_until

HOME = os.environ.get("SHEAF_POSTFIX", os.path.join(ROOT, "build/postfix"))
LIBRARIES = os.path.join(HOME, "usr/lib/postfix")
OWNER, GROUP, NOBODY = "daemon", "mail", "nobody"
OWNED = ("active bounce corrupt defer deferred flush hold incoming private saved trace maildrop public").split()

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def program(name):
    """The path of one of Postfix's programs."""
    for folder in ("usr/sbin", "usr/lib/postfix/sbin"):
        path = os.path.join(HOME, folder, name)
        if os.access(path, os.X_OK):
            return path
    raise AssertionError(f"no {name} in {HOME}; `./dev test` and `./dev bench smtp` fetch Postfix, SHEAF_POSTFIX "
                         "names another folder that its package was unpacked into")


def postfix_environment(**more):
    return environment(LD_LIBRARY_PATH=LIBRARIES, **more)


def run(name, *args, timeout=None):
    """Runs one of its programs to its end; CompletedProcess with text."""
    return subprocess.run([program(name), *map(str, args)], capture_output=True, text=True,
                          timeout=timeout or 2 * PATIENCE, env=postfix_environment())


class SmtpSink(Process):
    """smtp-sink: takes all mail and stores nothing."""

    def __init__(self, folder, name="smtp-sink"):
        super().__init__(folder, name)
        self.port = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"

    def start(self):
        user = ["-u", NOBODY] if os.geteuid() == 0 else []
        self.spawn([program("smtp-sink"), *user, self.address, "1000"], env={"LD_LIBRARY_PATH": LIBRARIES})
        wait_until(lambda: listens(self.port), what="smtp-sink to listen")
        return self


def listens(port):
    with open("/proc/net/tcp") as f:
        return any(re.search(rf": 0100007F:{port:04X} \S+ 0A ", line) for line in f)


class Postfix(Process):
    """An instance. main: parameters of main.cf beside those that it needs to run here. folder: for its stderr; base:
    below which its own folder is made, and which everybody may enter: its processes give their rights up."""

    def __init__(self, folder, main=None, name="postfix", base=None):
        super().__init__(folder, name)
        self.home = tempfile.mkdtemp(prefix="sheaf-postfix-", dir=base)
        os.chmod(self.home, 0o755)
        self.port = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.queue, self.data, self.log = (os.path.join(self.home, n) for n in ("queue", "data", "log"))
        self.main = main or {}

    def settings(self):
        sbin = os.path.join(LIBRARIES, "sbin")
        return {
            "compatibility_level": "3.6", "queue_directory": self.queue, "data_directory": self.data,
            "command_directory": os.path.join(HOME, "usr/sbin"), "daemon_directory": sbin,
            "shlib_directory": LIBRARIES, "meta_directory": self.etc,
            "import_environment": "MAIL_CONFIG MAIL_LOGTAG LD_LIBRARY_PATH",
            "mail_owner": OWNER, "setgid_group": GROUP, "default_privs": NOBODY,
            "maillog_file": self.log, "maillog_file_prefixes": "/",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8",
            "myhostname": "relay.test", "mydestination": "", "alias_maps": "", "alias_database": "",
            "local_recipient_maps": "", "smtp_dns_support_level": "disabled", "notify_classes": "",
        } | self.main

    @property
    def etc(self):
        return os.path.join(self.home, "etc")

    def prepare(self):
        owner = pwd.getpwnam(OWNER)
        for folder in (self.etc, self.queue, self.data, os.path.join(self.queue, "pid"),
                       *(os.path.join(self.queue, n) for n in OWNED)):
            os.makedirs(folder, exist_ok=True)
        for folder in (self.data, *(os.path.join(self.queue, n) for n in OWNED)):
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        with open(os.path.join(self.etc, "main.cf"), "w") as f:
            f.writelines(f"{key} = {value}\n" for key, value in self.settings().items())
        with open(os.path.join(self.etc, "master.cf"), "w") as f:
            f.write(MASTER.format(port=self.port))

    def start(self):
        if os.geteuid() != 0:
            raise AssertionError("Postfix has to be started by root")
        self.prepare()
        self.spawn([program("master"), "-c", self.etc, "-d"],
                   env={"LD_LIBRARY_PATH": LIBRARIES, "MAIL_CONFIG": self.etc}, own_group=True)
        wait_until(lambda: self.running() and listens(self.port),
                   what=f"Postfix to listen; it wrote:\n{self.tail()}")
        return self

    def kill(self):
        """It and its processes end; its folder goes."""
        if self.running():
            os.killpg(self.p.pid, signal.SIGKILL)
            self.p.wait()
        subprocess.run(["rm", "-rf", self.home], check=False)

    def left(self, *queues):
        """How many mails are in its queues."""
        return sum(len(files) for q in queues or ("incoming", "active", "deferred", "maildrop")
                   for _, _, files in os.walk(os.path.join(self.queue, q)))

    def logged(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as f:
            return f.read()

    def tail(self, lines=40):
        return "\n".join(super().tail(lines).splitlines() + self.logged().splitlines()[-lines:])
