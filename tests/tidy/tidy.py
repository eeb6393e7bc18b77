#!/usr/bin/python3
"""The house rules, as tests: what taste agreed on fails here rather than in a review.

    tests/tidy/tidy.py [--no-compile]

Each rule is a function that yields its findings; a rule passes if there are none. The last line is
`N passed, N failed`."""
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)

FUNCTION_LINES = 70
FILE_LINES = 500
COLUMNS = 120
TAB = 8
# Files that are one long table and may be longer, with why.
TABLES = {"proto/msg.h",     # every message as a struct
          "proto/fields.c"}  # and as a layout

# Which headers the pure core may include: nothing that could do I/O, tell the time or start a thread.
CORE_MAY = {"assert.h", "inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h",
            "endian.h", "stdarg.h", "utlist.h", "uthash.h", "base/buf.h", "base/must.h", "base/span.h",
            "base/list.h", "base/heap.h", "base/le.h", "base/rand.h", "base/crc32c.h", "base/log.h", "base/table.h",
            "base/text.h", "base/json.h", "base/be.h", "proto/packed.h",
            "proto/msg.h", "proto/error.h", "proto/limits.h", "proto/setting.h",
            "proto/name.h", "proto/codec.h"}
BANNED = {
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "strcpy": "snprintf or memcpy", "strcat": "snprintf",
    "strncpy": "memcpy", "strncat": "snprintf", "gets": "fgets", "strtok": "strtok_r", "alloca": "malloc",
    "asctime": "strftime", "ctime": "strftime", "localtime": "localtime_r", "gmtime": "gmtime_r", "rand": "rng_next",
    "srand": "rng_seed", "tmpnam": "mkstemp", "atoi": "units_number", "atol": "units_number", "atof": "units_duration",
    "assert": "must", "usleep": "a condition", "system": "posix_spawn",
}
CORE_BANNED = {"time", "clock_gettime", "gettimeofday", "printf", "fprintf", "snprintf_l", "fopen", "open", "read",
               "write", "getenv", "rand_os", "random", "pthread_create", "socket", "log_line", "clock_mono_ms",
               "clock_wall_ms", "clock_mono_ns", "exit"}
UNFINISHED = re.compile(r"\b(TO" "DO|FIX" "ME|X" "XX|HA" "CK|WI" "P)\\b")


def tracked():
    """The files under version control; without git, what stands here."""
    done = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], capture_output=True)
    if done.returncode == 0:
        names = done.stdout.decode().split("\0")
    else:
        names = [os.path.relpath(os.path.join(d, f), ".") for d, _, fs in os.walk(".") for f in fs
                 if not re.match(r"\./(build|\.git|\.cache)(/|$)", d)]
    return sorted(n for n in names if n and os.path.isfile(n))


FILES = tracked()
C_FILES = [f for f in FILES if f.endswith((".c", ".h"))]
TEXT = {}


def text(name):
    if name not in TEXT:
        with open(name, encoding="utf-8", errors="replace") as f:
            TEXT[name] = f.read()
    return TEXT[name]


def code(name):
    """The C text with comments and the insides of strings made blank; lines and columns stay."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text(name), flags=re.S)


def functions(name):
    """(name, first line, lines) of each function: in this style its braces stand alone at column 0."""
    lines = code(name).split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line.startswith("}") and start is not None:
            head = start
            while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(("}", "#")):
                head -= 1
            called = re.search(r"(\w+)\s*\(", " ".join(lines[head:start]))
            yield called.group(1) if called else "?", start + 1, i - start - 1
            start = None


def rule_functions_fit_a_screen():
    for f in C_FILES:
        for name, line, length in functions(f):
            if length > FUNCTION_LINES:
                yield f"{f}:{line}: {name} has {length} lines, more than {FUNCTION_LINES}"


def rule_files_have_one_subject():
    for f in C_FILES + [f for f in FILES if f.endswith(".py")]:
        n = text(f).count("\n")
        if n > FILE_LINES and f not in TABLES:
            yield f"{f}: {n} lines, more than {FILE_LINES}"


def rule_lines_fit():
    for f in C_FILES + [f for f in FILES if f.endswith((".py", ".sh")) or f == "dev"]:
        for i, line in enumerate(text(f).split("\n"), 1):
            if len(line.expandtabs(TAB)) > COLUMNS:
                yield f"{f}:{i}: wider than {COLUMNS} columns"


def rule_files_say_their_subject():
    for f in C_FILES:
        if not text(f).startswith("/*"):
            yield f"{f}:1: does not begin with a comment that says its subject"
    for f in FILES:
        if f.endswith((".py", ".sh")) and text(f).strip():
            body = re.sub(r"^#!.*\n", "", text(f))
            if not body.startswith(("#", '"""')):
                yield f"{f}:1: does not begin with a comment that says its subject"


def rule_banned_calls():
    for f in C_FILES:
        banned = dict(BANNED)
        if f.startswith("tests/"):
            banned.pop("system")
        for m in re.finditer(r"(?<![\w.>])(\w+)\s*\(", code(f)):
            if m.group(1) in banned:
                line = code(f).count("\n", 0, m.start()) + 1
                yield f"{f}:{line}: {m.group(1)}; use {banned[m.group(1)]}"


def rule_the_core_is_pure():
    for f in C_FILES:
        if not f.startswith("broker/core/"):
            continue
        for m in re.finditer(r'^#include [<"]([^>"]+)[>"]', text(f), re.M):
            if m.group(1) not in CORE_MAY and not m.group(1).startswith("broker/core/"):
                yield f"{f}: may not include {m.group(1)}"
        for m in re.finditer(r"(?<![\w.>])(\w+)\s*\(", code(f)):
            if m.group(1) in CORE_BANNED:
                yield f"{f}:{code(f).count(chr(10), 0, m.start()) + 1}: {m.group(1)} has no place in the core"


def rule_one_function_assigns_a_state():
    """A job's state changes in one place only (STYLE of the core: states in one table)."""
    places = []
    for f in C_FILES:
        if f.startswith("broker/core/") and f.endswith(".c"):
            for name, line, length in functions(f):
                body = "\n".join(code(f).split("\n")[line - 1:line + length])
                if re.search(r"\bj(?:ob)?->state\s*=[^=]", body):
                    places.append(f"{f}:{line}: {name}")
    if len(places) > 1:
        yield "a job's state is assigned in " + ", ".join(places)


def rule_msgpack_stays_in_the_codec():
    for f in C_FILES:
        if "#include <msgpack" in text(f) and not re.match(r"(proto/codec|tests/)", f):
            yield f"{f}: only proto/codec*.c and tests see msgpack"


def rule_nothing_unfinished():
    for f in FILES:
        if f.endswith((".png", ".gz")):
            continue
        for i, line in enumerate(text(f).split("\n"), 1):
            if UNFINISHED.search(line):
                yield f"{f}:{i}: {line.strip()}"


def rule_no_dead_files():
    """Each .c file is named in the CMakeLists.txt of its folder or of one above it."""
    for f in C_FILES:
        if not f.endswith(".c") or f.startswith("demo/"):
            continue
        folder, named = os.path.dirname(f), False
        while True:
            lists = os.path.join(folder, "CMakeLists.txt")
            if os.path.isfile(lists):
                words = text(lists)
                stem = re.escape(os.path.basename(f)[:-2])
                named = named or bool(re.search(r"\b" + stem + r"(\.c)?\b", words)) or "GLOB" in words \
                    or any(stem.startswith(p) and re.escape(stem[len(p):]) in words for p in ("test_", "fuzz_"))
            if not folder:
                break
            folder = os.path.dirname(folder)
        if not named:
            yield f"{f}: no CMakeLists.txt names it"


def rule_architecture_names_each_file():
    page = text("docs/ARCHITECTURE.md") if os.path.isfile("docs/ARCHITECTURE.md") else ""
    if not page:
        yield "docs/ARCHITECTURE.md is missing"
    for f in FILES:
        if f.endswith((".c", ".h")) and not f.startswith("tests/") and f"`{f}`" not in page \
                and not (f.endswith(".h") and f"`{f[:-2]}.c`" in page):
            yield f"{f}: docs/ARCHITECTURE.md has no line for it"
    for m in re.finditer(r"`((?:base|proto|broker|worker|client|bench|tests|demo)/[\w/.-]+\.(?:c|h|py|md|sh))`", page):
        if m.group(1) not in FILES and not os.path.isfile(m.group(1)):
            yield f"docs/ARCHITECTURE.md names {m.group(1)}, which is not there"


def rule_links_in_documents_lead_somewhere():
    for f in FILES:
        if f.endswith(".md"):
            for m in re.finditer(r"\]\(([^)#\s]+)[^)]*\)", text(f)):
                to = m.group(1)
                if "://" not in to and not os.path.exists(os.path.join(os.path.dirname(f), to)):
                    yield f"{f}: the link to {to} leads nowhere"


def rule_roles_are_documented():
    """What proto/role.c lets some roles say, PROTOCOL.md has in its table of roles; a worker's kinds are one row."""
    section = text("proto/PROTOCOL.md").split("## Keys and roles", 1)[-1].split("\n## ", 1)[0]
    rows = re.findall(r"((?:\tcase MSG_\w+:\n)+)\t\treturn ([\w()>.& -]+)", text("proto/role.c"))
    if len(rows) < 5:
        yield "proto/role.c: its table is not found"
    for cases, needs in rows:
        for kind in re.findall(r"MSG_(\w+)", cases) if needs not in ("WORK", "BROKER") else ():
            if not re.search(rf"\b{kind}\b", section):
                yield f"proto/role.c: MSG_{kind} is not in the table of roles of proto/PROTOCOL.md"


def rule_headers_compile_alone():
    if "--no-compile" in sys.argv:
        return
    def compile_one(f):
        done = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wconversion", "-Wshadow",
                               "-Werror", "-fsyntax-only", "-I.", "-x", "c", "-"], capture_output=True, text=True,
                              input=f'#include "{f}"\n#include "{f}"\n')
        return f"{f} does not compile alone: {done.stderr.strip().splitlines()[0]}" if done.returncode else None
    headers = [f for f in C_FILES if f.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(compile_one, headers))


def rule_formatting():
    """clang-format 14 (Debian 12's) has the last word; ./dev fmt does what it says."""
    have = subprocess.run(["clang-format", "--version"], capture_output=True, text=True).stdout
    if "version 14." not in have:
        print("  SKIP formatting: clang-format 14 is not here")
        return
    def check(f):
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", f], capture_output=True, text=True)
        return f"{f}: ./dev fmt would change it" if done.returncode else None
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(check, C_FILES))


def rule_scripts_parse():
    for f in FILES:
        first = text(f).split("\n", 1)[0] if not f.endswith((".png", ".gz")) else ""
        if re.match(r"#!/bin/(ba)?sh", first):
            done = subprocess.run([first[2:], "-n", f], capture_output=True, text=True)
            if done.returncode:
                yield f"{f}: {done.stderr.strip()}"
            if not os.access(f, os.X_OK):
                yield f"{f}: is a script and not executable"


def main():
    passed = failed = 0
    for name, rule in list(globals().items()):
        if name.startswith("rule_"):
            found = list(rule())
            passed, failed = passed + (not found), failed + bool(found)
            print(f"  {'FAIL' if found else 'ok  '} {name[5:].replace('_', ' ')}")
            for line in found[:40]:
                print(f"       {line}")
            if len(found) > 40:
                print(f"       and {len(found) - 40} more")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
