"""`sheaf completion`: in the shells themselves, with and without a broker."""
import shutil
import subprocess
import unittest

from harness import BIN, environment, program
from terminal import Terminal
from test_cli import Cli


class Completion(Cli):
    def shell(self, *argv):
        done = subprocess.run(argv, capture_output=True, text=True, input="", timeout=60,
                              env=environment(PATH=f"{BIN}:/usr/bin:/bin", HOME=self.dir), cwd=self.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split("\n")[:-1]

    def bash(self, *words):
        """What bash's programmable completion gets; words as bash takes them apart."""
        line = words[0]
        for before, word in zip(words, words[1:]):
            joined = word in ("=", ":") or before in ("=", ":")
            line += word if joined else " " + word
        quoted = " ".join(f"'{w}'" for w in words)
        return self.shell("bash", "-c", f"""eval "$(sheaf completion bash)"; complete -p sheaf >/dev/null || exit 1
            COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} COMP_LINE='{line}' COMP_POINT={len(line)}
            _sheaf 2>/dev/null; printf '%s\\n' "${{COMPREPLY[@]}}" """)

    def test_bash(self):
        self.assertEqual(self.bash("sheaf", "qu"), ["queues", "queue"])
        self.assertEqual(self.bash("sheaf", "bench", "--mode", "b"), ["batched"])
        self.assertEqual(self.bash("sheaf", "bench", "--mode", "=", "b"), ["batched"])
        self.assertEqual(self.bash("sheaf", "bench", "--mode", "="), ["one", "pipelined", "batched", "all"])
        self.assertEqual(self.bash("sheaf", "map", "--retr"), ["--retry-failed"])
        self.assertEqual(self.bash("sheaf", "queue", "q", "pe"), ["peek"])
        self.assertEqual(self.bash("sheaf", "no-such-command", ""), [""])

    def test_names(self):
        broker = self.broker()
        self.worker(broker, "thumbs,words", "--name", "build-7", "--builtin", "echo")
        scheme, host, port = broker.url.split(":")
        taken = ("sheaf", "--broker", scheme, ":", host, ":", port)  # as bash takes it apart
        self.assertEqual(self.bash(*taken, "map", "th"), ["thumbs"])
        self.assertEqual(sorted(self.bash(*taken, "queue", "")), ["thumbs", "words"])
        self.assertEqual(self.bash(*taken, "workers", "drain", ""), ["build-7"])
        nobody = ("sheaf", "--broker", "tcp", ":", "//127.0.0.1", ":", "1")
        self.assertEqual(self.bash(*nobody, "map", ""), [""])
        done = self.expect(0, None, "completion", "words", "--", "--broker", "tcp://127.0.0.1:1", "map", "")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        done = self.expect(0, None, "completion", "words", "--", "--broker", broker.url, "map", "w")
        self.assertEqual(done.stdout, "words\t0 ready, 0 running\n")
        self.fails(2, None, "completion", "tcsh", says="fish")
        self.fails(2, None, "completion", "bash", "x", says="'x'")

    def type(self, shell, prepare, text):
        """A terminal with the shell, into which `text` is typed once `prepare` is done."""
        t = self.own(Terminal(shell, env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": self.dir}))
        t.type(prepare + "; echo rea''dy\n")
        t.wait("^ready")
        t.type(text)
        return t

    def test_bash_in_a_terminal(self):
        t = self.type(["/bin/bash", "--norc", "--noprofile", "-i"], 'eval "$(sheaf completion bash)"',
                      "sheaf comp\tf\t")
        t.wait(r"sheaf completion fish")
        self.write("a-log", "")
        t.type("\x15cd " + self.dir + "\nsheaf map q --joblog=a-\t")
        t.wait(r"--joblog=a-log")

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        t = self.type([shutil.which("zsh"), "-f", "-i"],
                      'autoload -U compinit; compinit -u; eval "$(sheaf completion zsh)"', "sheaf map --retr\t")
        t.wait(r"sheaf map --retry-failed")
        t.type("\x15sheaf bench --mode=pi\t")
        t.wait(r"--mode=pipelined")
        t.type("\x15sheaf queue\t\t")
        t.wait(r"queues +-- list the queues")
        self.write("a-log", "")
        t.type("\x15cd " + self.dir + "\nsheaf map q --joblog a-\t")
        t.wait(r"--joblog a-log")

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        self.write("a-log", "")
        out = self.shell("fish", "--no-config", "-c", "sheaf completion fish | source; "
                         "complete -C'sheaf qu'; complete -C'sheaf bench --mode=b'; "
                         "complete -C'sheaf map --joblog a-'; complete -C'sheaf map q x'")
        self.assertEqual(out, ["queue\tshow or change a queue", "queues\tlist the queues", "--mode=batched", "a-log"])

    def test_no_shell_objects(self):
        for shell in ("bash", "zsh"):
            if shutil.which(shell):
                path = self.write("script", self.expect(0, None, "completion", shell).stdout)
                self.shell(shell, "-n", path)
