"""A terminal for tests: a program in a pty, its screen as text."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from harness import environment, wait_until


class Terminal:
    """A program whose stdin, stdout and stderr are a terminal of ROWS x COLUMNS. What it writes is gathered in .bytes;
    screen() is what one would see of it."""

    def __init__(self, argv, rows=24, columns=100, env=None):
        self.rows, self.columns, self.bytes, self.status = rows, columns, b"", None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(argv[0], argv, environment(**{"TERM": "xterm", "PS1": "$ ", **(env or {})}))
            finally:
                os._exit(127)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.05):
        """Takes what has come. False once the program has closed its terminal."""
        while select.select([self.fd], [], [], seconds)[0]:
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                return False
            if not got:
                return False
            self.bytes += got
            seconds = 0
        return True

    def type(self, text):
        os.write(self.fd, text.encode())

    def screen(self):
        """The lines of the screen as the bytes so far have drawn it: printing, cursor moves and erasing."""
        return draw(self.bytes.decode(errors="replace"), self.rows, self.columns)

    def wait(self, pattern, seconds=None):
        """Waits until the screen has a line that matches; returns the match."""
        def look():
            self.read()
            return re.search(pattern, "\n".join(self.screen()), re.M)
        try:
            return wait_until(look, seconds)
        except AssertionError:
            raise AssertionError(f"waited in vain for {pattern!r}; the screen:\n" + "\n".join(self.screen())) from None

    def ended(self, seconds=None):
        """Its exit status, waited for."""
        def look():
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid
        if self.status is None:
            wait_until(look, seconds, "the program in the terminal to end")
        return self.status

    def modes(self):
        """Whether the terminal echoes, and whether it is in lines: (True, True) is what a shell leaves."""
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ECHO), bool(flags & termios.ICANON)

    def kill(self):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
            self.status = -9
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    # what the harness asks of a process
    name = "terminal"
    p = None

    def tail(self):
        return "\n".join(self.screen())


def draw(text, rows, columns):
    """A screen from what was written to it; as much of xterm as curses and shells use."""
    lines, y, x = [[" "] * columns for _ in range(rows)], 0, 0

    def down():
        nonlocal y
        if y == rows - 1:
            lines.append([" "] * columns)
            del lines[0]
        else:
            y += 1

    tokens = re.compile(r"\x1b\[([?>=]?)([\d;]*)([@-~])|\x1b[()][A-Z0-9]|\x1b[=>78cM]|\x1b\][^\x07]*\x07|(.)", re.S)
    for mark, numbers, letter, c in (m.groups() for m in tokens.finditer(text)):
        n = [int(v) if v else 0 for v in (numbers or "").split(";")]
        one = n[0] or 1
        if c == "\r":
            x = 0
        elif c == "\n":
            down()
        elif c == "\b":
            x = max(x - 1, 0)
        elif c == "\t":
            x = min(x // 8 * 8 + 8, columns - 1)
        elif c and c >= " ":
            if x == columns:
                x = 0
                down()
            lines[y][x] = c
            x += 1
        elif letter in ("H", "f"):
            y, x = min(one, rows) - 1, min((n[1] if len(n) > 1 else 1) or 1, columns) - 1
        elif letter == "J":
            for row in range(rows):
                for column in range(columns):
                    if n[0] >= 2 or (n[0] == 0 and (row, column) >= (y, x)) or (n[0] == 1 and (row, column) <= (y, x)):
                        lines[row][column] = " "
        elif letter == "K":
            for column in range(columns):
                if n[0] == 2 or (n[0] == 0 and column >= x) or (n[0] == 1 and column <= x):
                    lines[y][column] = " "
        elif letter == "X":
            lines[y][x:x + one] = [" "] * len(lines[y][x:x + one])
        elif letter == "P":
            lines[y] = (lines[y][:x] + lines[y][x + one:] + [" "] * columns)[:columns]
        elif letter == "@":
            lines[y] = (lines[y][:x] + [" "] * one + lines[y][x:])[:columns]
        elif letter in ("A", "B"):
            y = max(0, min(rows - 1, y + (one if letter == "B" else -one)))
        elif letter in ("C", "D"):
            x = max(0, min(columns - 1, x + (one if letter == "C" else -one)))
        elif letter == "G":
            x = min(one, columns) - 1
        elif letter == "d":
            y = min(one, rows) - 1
        elif letter == "b" and x > 0:
            for _ in range(one):
                if x < columns:
                    lines[y][x] = lines[y][x - 1]
                    x += 1
        elif letter == "h" and mark == "?" and 1049 in n:
            lines, y, x = [[" "] * columns for _ in range(rows)], 0, 0
    return ["".join(line).rstrip() for line in lines]
