"""--check-config of sheafd and sheaf-smtpd: everything that start-up would read is read, each mistake named with file
and line, nothing bound or written. And what start-up refuses."""
import glob
import os
import re
import subprocess

from harness import ROOT, Case, environment, free_ports, program
from nsq_case import make_certificate

ADA = "ada:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
SMTP = "[smtp]\nlisten = 127.0.0.1:2525\n"


class ConfigCase(Case):
    NAME = "sheafd"

    def setUp(self):
        super().setUp()
        self.ini = f"{self.dir}/sheaf.conf"
        self.data = f"{self.dir}/data"

    def write(self, name, text, mode=0o600):
        path = f"{self.dir}/{name}"
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def run_daemon(self, name, *flags):
        return subprocess.run([program(name), *flags], capture_output=True, text=True, timeout=60, env=environment())

    def check(self, text, *flags):
        """What is wrong: (line of the file or None, sentence)."""
        name = self.NAME
        self.write("sheaf.conf", text)
        done = self.run_daemon(name, "--config", self.ini, "--check-config", *flags)
        wrong = []
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(f"{name}: "), line)
            m = re.fullmatch(rf"(?:{re.escape(self.ini)}:(\d+): )?(.*)", line[len(name) + 2:])
            wrong.append((m[1] and int(m[1]), m[2]))
        self.assertEqual(done.returncode, 2 if wrong else 0, done.stderr)
        self.assertEqual(done.stdout.startswith("configuration ok"), not wrong, done.stdout)
        self.assertEqual(done.stdout.count("\n"), 0 if wrong else 1)
        return wrong

    def one(self, text, line, says, *flags):
        wrong = self.check(text, *flags)
        self.assertEqual(len(wrong), 1, wrong)
        self.assertEqual(wrong[0][0], line, wrong)
        self.assertIn(says, wrong[0][1])

    def whole(self, data=True):
        cert, key = make_certificate(self.dir)
        users = self.write("users", f"# who\n{ADA}\n")
        return (f"data = {self.data}\n" if data else "") + SMTP + (
            f"tls-listen = 127.0.0.1:4650\nlmtp = {self.dir}/lmtp\nhostname = mx.test\ndomain = a.test, b.test\n"
            f"tls-cert = {cert}\ntls-key = {key}\nusers = {users}\nnetworks = 10.0.0.0/8\npayload = body\n\n"
            "[smtp.queue.thumbs]\n  payload = json\n  users = ada\n  senders = @a.test\n  dedup = yes\n")


class CheckConfig(ConfigCase):
    def test_right(self):
        self.assertEqual(self.check(f"data = {self.data}\n"), [])
        self.assertEqual(self.check(self.whole()), [])
        self.assertFalse(os.path.exists(self.data))  # nothing is made
        self.assertFalse(os.path.exists(f"{self.dir}/lmtp"))
        keys = f"{self.dir}/keys"
        subprocess.run([program("sheaf"), "keygen", keys], check=True, capture_output=True, env=environment())
        self.assertEqual(self.check(self.whole() + "[smtp]\nidle = 1m\n", "--keys", keys), [])

    def test_all_at_once(self):
        wrong = self.check(
            f"data = {self.data}\nmemroy = 3M\nkeep = soon\noops\n[smpt]\nx = 1\n[smtp]\nlisten = 127.0.0.1:1\n"
            "domian = a.b\nnetworks = 10.0.0.1/8\nnetworks = 10.0.0.0/8, fe80::zz\nsize = 20M\n"
            "[smtp.queue.Thumbs]\ntrace = no\n[smtp.queue.thumbs]\npayload = jsom\nuser = ada\n")
        self.assertEqual(sorted(line for line, _ in wrong), [2, 3, 4, 5, 9, 10, 11, 12, 14, 16, 17])
        says = dict(wrong)
        for line, what in ((2, "did you mean 'memory'"), (3, "'soon'"), (4, "not NAME = VALUE"),
                           (5, "did you mean [smtp]"), (9, "did you mean 'domain'"), (11, "'fe80::zz'"),
                           (12, "--smtp-size: '20M'"), (14, "[smtp.queue.Thumbs]"), (16, "did you mean json"),
                           (17, "did you mean 'users'")):
            self.assertIn(what, says[line])

    def test_all_of_the_others(self):
        wrong = self.check(
            f"data = {self.data}\nmemory = 1\nkeep = soon\nmax-deliveries = 0\nfsync = rarely\nlisten = here\n"
            "segment = 65M\ndisk = 600M\nmax-message = 17M\nnsq = 1\nnsq-max-rdy = 0\nnsq-tls-cert = c\n")
        self.assertEqual([line for line, _ in wrong], [6, 5, 4, 2, 7, 9, 3, 10])
        wrong = self.check(f"data = {self.data}\nnsq = 127.0.0.1:1\nnsq-max-rdy = 0\nnsq-tls-cert = c\n"
                           "nsq-auth = a:1\nnsq-auth = b\nnsq-lookupd = c:x\n")
        self.assertEqual([line for line, _ in wrong], [3, 4, 6, 7])
        wrong = self.check(f"data = {self.data}\nnsq-max-rdy = 7\nnsq-tls-cert = c\n")
        self.assertEqual([line for line, _ in wrong], [3, 2])

    def test_files(self):
        text = self.whole()
        lines = text.splitlines()
        at = {line.split(" = ")[0]: n for n, line in enumerate(lines, 1)}
        other = f"{self.dir}/other"
        os.makedirs(other)
        _, other_key = make_certificate(other)
        key = next(line for line in lines if line.startswith("tls-key"))
        self.one(text.replace(key, f"tls-key = {other_key}"), at["tls-key"], "that fits the certificate")
        self.one(text.replace(key, "tls-key = /nowhere"), at["tls-key"], "/nowhere: No such file")
        users = f"{self.dir}/users"
        self.write("users", "# who\nada:secret\n")
        self.one(text, None, f"{users}:2: 'ada' has no hash that crypt(3) knows")
        self.write("users", f"{ADA}\n", 0o644)
        self.one(text, None, f"{users} holds hashes of passwords, and others may read")
        self.write("users", f"{ADA.replace('ada', 'bob')}\n")
        self.one(text, at["  users"], "[smtp.queue.thumbs] users: 'ada' is nobody in the file of users")
        os.unlink(users)
        self.one(text, None, f"{users}: No such file")
        self.one(f"data = {self.data}\nkeys = /nowhere\n", 2, "--keys: /nowhere")
        self.one(f"data = {self.ini}\n", 1, "is no directory")
        self.one(f"data = {self.data}\nnsq = 127.0.0.1:1\nnsq-tls-cert = /a\nnsq-tls-key = /b\n", 3, "/a: No such file")
        self.one(f"data = {self.data}\n{SMTP}spool = {self.ini}\n", 4, "is no directory")
        done = self.run_daemon("sheafd", "--config", "/nowhere/x", "--check-config", "--data", self.data)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("/nowhere/x: No such file", done.stderr)
        done = self.run_daemon("sheafd", "--check-config")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--data DIR is needed", done.stderr)

    def test_addresses_off_this_machine(self):
        away = f"data = {self.data}\n[smtp]\nlisten = 0.0.0.0:25\n"
        self.one(away, 3, "--smtp: 0.0.0.0:25 is not a loopback address, and nobody may send from elsewhere")
        self.assertEqual(self.check(away, "--insecure"), [])
        self.assertEqual(self.check(away, "--smtp-networks", "10.0.0.0/8"), [])
        self.assertEqual(self.check(away + "[smtp.queue.q]\nnetworks = 10.0.0.0/8\n"), [])
        self.one(away, None, "is not a loopback address and there are no keys", "--smtp-networks", "10.0.0.0/8",
                 "--listen", "tcp://0.0.0.0:7400")
        # start-up says the same
        self.write("sheaf.conf", away)
        done = self.run_daemon("sheafd", "--config", self.ini)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn(f"{self.ini}:3: --smtp: 0.0.0.0:25 is not a loopback", done.stderr)
        self.assertIn("--smtp-networks CIDR", done.stderr)

    def test_examples_of_the_documents(self):
        """What stands there as a file is one, but for files of others."""
        seen = 0
        for path in glob.glob(f"{ROOT}/docs/*.md"):
            with open(path) as f:
                blocks = re.findall(r"(?ms)^```ini\n(.*?)^```$", f.read())
            for text in blocks:
                if "[smtp]" not in text:
                    continue
                seen += 1
                wrong = [x for x in self.check(f"{text}\n", "--data", self.data) if "No such file" not in x[1]]
                self.assertEqual(wrong, [], f"{path}: {text}")
        self.assertGreater(seen, 1)

    def test_start_up_says_the_first(self):
        self.write("sheaf.conf", f"data = {self.data}\nmemroy = 3M\nkeep = soon\n")
        done = self.run_daemon("sheafd", "--config", self.ini)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (
            2, "", f"sheafd: {self.ini}:2: unknown key 'memroy': did you mean 'memory'?\n"))
        done = self.run_daemon("sheafd", "--data", self.data, "--smtp-domain", "a.b")
        self.assertEqual((done.returncode, done.stderr), (
            2, "sheafd: --smtp-domain means nothing without an address: --smtp HOST:PORT\n"))

    def test_nothing_is_bound(self):
        port = free_ports(1)
        broker = self.broker()  # whose addresses and data are taken
        text = f"data = {broker.data}\nlisten = {broker.url}\n[smtp]\nlisten = 127.0.0.1:{port}\n"
        self.assertEqual(self.check(text), [])
        self.assertEqual(self.sheaf(broker, "ping").returncode, 0)


class CheckSmtpd(ConfigCase):
    """The same section, read by sheaf-smtpd."""
    NAME = "sheaf-smtpd"

    def test_same_section(self):
        text = self.whole(data=False)
        self.assertEqual(self.check(text), [])
        self.one(text.replace("payload = body", "payload = bdy"), 11, "--payload: 'bdy' is none of raw, body, json")
        self.one("[smtp]\nlisten = 0.0.0.0:25\n", 2, "--listen: 0.0.0.0:25 is not a loopback address, and nobody")
        self.one("[smtp]\nlisten = 127.0.0.1:1\ntls-cert = /a\ntls-key = /b\n", 3, "--tls-cert: /a: No such file")
        self.one("broker = nowhere\n" + SMTP, 1, "--broker: 'nowhere'")
        self.one("keys = /nowhere\n" + SMTP, 1, "--keys: /nowhere")
        wrong = self.check("brokr = x\n" + SMTP + "[smtp.queue.q]\ntrace = 7\n")
        self.assertEqual([line for line, _ in wrong], [1, 5])


if __name__ == "__main__":
    import unittest
    unittest.main()
