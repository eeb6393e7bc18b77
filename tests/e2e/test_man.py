"""Manual pages: made by the programs themselves, whole, and without a warning of groff."""
import os
import re
import shutil
import subprocess
import unittest

from harness import Case, environment, program


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, input="", timeout=60, env=environment())


@unittest.skipUnless(shutil.which("groff"), "groff is not installed")
class Man(Case):
    def page(self, path):
        """The page as text. groff has nothing to say about it."""
        done = subprocess.run(["groff", "-ww", "-man", "-Tascii", "-P-cbou", "-K", "utf8", path],
                              capture_output=True, text=True, timeout=60, env=environment(MANWIDTH="200"))
        self.assertEqual((done.returncode, done.stderr), (0, ""), path)
        return re.sub(r"-\n +", "-", done.stdout)

    def test_commands(self):
        folder = f"{self.dir}/man"
        self.assertEqual(run(program("sheaf"), "help", "--man-pages", folder).returncode, 0)
        overview = self.page(f"{folder}/sheaf.1")
        commands = re.findall(r"(?m)^    ([a-z]+) {2,}\S", run(program("sheaf"), "help").stdout.split("Options")[0])
        self.assertEqual(sorted(os.listdir(folder)), sorted(["sheaf.1", *(f"sheaf-{c}.1" for c in commands)]))
        for c in commands:
            self.assertIn(f"sheaf-{c}(1)", overview)
            text, shown = self.page(f"{folder}/sheaf-{c}.1"), run(program("sheaf"), "help", c).stdout
            for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS OF EVERY COMMAND", "EXIT STATUS", "EXAMPLES"):
                self.assertRegex(text, rf"(?m)^{section}$", c)
            for option in re.findall(r"(?m)^    (--[a-z-]+)", shown):
                self.assertIn(option, text)
            self.assertIn(shown.split("Example\n")[1].splitlines()[0].strip()[:40], text)
        for bad in (["map", "--man-pages", folder], ["--man-pages", "/nowhere/at/all"]):
            self.assertNotEqual(run(program("sheaf"), "help", *bad).returncode, 0)

    def test_daemons(self):
        for name, section in (("sheafd", 8), ("sheaf-smtpd", 8), ("sheaf-worker", 1)):
            done = run(program(name), "--man")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            path = f"{self.dir}/{name}.{section}"
            with open(path, "w") as f:
                f.write(done.stdout)
            text, shown = self.page(path), run(program(name), "--help").stdout
            options = re.findall(r"(?m)^  (?:-\w, )?(--[a-z-]+)", shown)
            self.assertIn("--config", options)
            for option in options:
                self.assertIn(option, text)
            for section in ("SIGNALS", "EXIT STATUS", "EXAMPLES"):
                self.assertRegex(text, rf"(?m)^{section}$")
        path = f"{self.dir}/sheaf.conf.5"
        with open(path, "w") as f:
            f.write(run(program("sheafd"), "--man=conf").stdout)
        text = self.page(path)
        self.assertRegex(text, r"(?m)^ +data = DIR$")
        self.assertNotRegex(text, r"(?m)^ +(config = FILE|check-config = true)$")
        self.assertRegex(text, r"(?m)^SECTIONS$")
        for said in ("smtp-domain = NAME...", "[smtp.queue.NAME]", "[smtp.queue.thumbnails]"):
            self.assertIn(said, text)
