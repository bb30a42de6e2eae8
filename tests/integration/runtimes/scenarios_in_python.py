"""What hostile or unlucky Python does; and what SQL and PHP cells see."""

from __future__ import annotations

from tests.integration.runtimes.scenario import (
    Scenario,
    cut_log,
    ends_somehow,
    every,
    fails,
    gives,
    has_no_rights,
    is_alive_behind_walls,
    no_strays,
    only_own_processes,
)

_RIGHTS = """
def main():
    with open("/proc/self/status") as file:
        rows = dict(row.split(":\\t", 1) for row in file.read().splitlines())
    return {name: rows[name] for name in rows if name.startswith("Cap") or name in ("NoNewPrivs", "Seccomp")}
"""
_EXIT = "import os\ndef main():\n    os._exit(3)\n"
_SEGFAULT = "import ctypes\ndef main():\n    ctypes.string_at(0)\n"
_LOOP = "def main():\n    while True:\n        pass\n"
_BOMB = "def main():\n    held = []\n    while True:\n        held.append(bytearray(10_000_000))\n"
_FLOOD = """
def main():
    line = "x" * 999 + "\\n"
    import sys
    for _ in range(200_000):
        sys.stdout.write(line)
    return "still here"
"""
_DAEMON = """
import os, subprocess
def main(marker):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            subprocess.Popen(["sleep", marker], start_new_session=True)
            import signal, time
            for number in (1, 2, 15):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(300)
        os._exit(0)
    import time; time.sleep(0.3)
    return "left"
"""
_FORK_BOMB = """
import os
def main(marker):
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""
_TOO_MANY_PROCESSES = """
import subprocess
def main(marker):
    while True:
        subprocess.Popen(["sleep", marker])
"""
_TOO_MANY_THREADS = """
import threading
def main():
    end = threading.Event()
    while True:
        threading.Thread(target=end.wait, daemon=True).start()
"""
_GARBAGE = """
import os
def main():
    for number in range(3, 64):
        try:
            os.write(number, b"\\xff" * 64)
        except OSError:
            pass
    return "real"
"""
_LATE_FORGERY = """
import os, struct, threading, time, atexit
def main():
    body = b'"forged"'
    frame = struct.pack(">cI", b"O", len(body)) + body
    def forge():
        for number in range(3, 64):
            try:
                os.write(number, frame)
            except OSError:
                pass
    atexit.register(forge)
    def later():
        time.sleep(0.05)
        forge()
    threading.Thread(target=later, daemon=True).start()
    if os.fork() == 0:
        later()
        os._exit(0)
    return "real"
"""
_BAD_JSON = """
import os, struct
def main():
    body = b'{"not json'
    os.write(3, struct.pack(">cI", b"O", len(body)) + body)
"""
_HUGE_CLAIM = """
import os, struct
def main():
    os.write(3, struct.pack(">cI", b"O", 4_000_000_000))
    return 1
"""
READS = """
import os
def main(paths):
    found = []
    for path in paths:
        for action in (os.listdir, lambda p: open(p, "rb").read(10), lambda p: os.open(p, os.O_RDONLY | os.O_DIRECTORY)):
            try:
                action(path)
                found.append(path)
            except OSError:
                pass
    return found
"""
WRITES = """
import os
def main(paths):
    found = []
    for path in paths:
        try:
            os.open(path + "/flowapp-written", os.O_CREAT | os.O_WRONLY)
            found.append(path)
        except OSError:
            pass
    return found
"""
_LOOK_AROUND = """
import os
def main():
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    readable = []
    for pid in pids:
        # 1 is our own agent: nothing of it may be readable either
        if pid == os.getpid():
            continue
        for what in ("environ", "mem", "maps", "cwd", "root"):
            path = f"/proc/{pid}/{what}"
            try:
                if os.listdir(path) if what in ("cwd", "root") else open(path, "rb").read(1):
                    readable.append(path)
            except OSError:
                pass
    return {"visible": len(pids), "readable": readable}
"""
_SIGNALS = """
import os, signal
def main(server):
    done = []
    for pid in (os.getppid(), server, -server, 1):
        if pid in (0, -1):
            continue
        try:
            os.kill(pid, signal.SIGKILL)
            done.append(pid)
        except OSError:
            pass
    try:
        os.kill(-1, signal.SIGTERM)
    except OSError:
        pass
    return "alive"
"""
_ESCAPES = """
import ctypes, os, socket
def main():
    libc = ctypes.CDLL(None, use_errno=True)
    done = []
    for name, call in {
        "unshare": lambda: libc.unshare(0x10000000),
        "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "chroot": lambda: libc.chroot(b"/tmp"),
        "ptrace": lambda: libc.ptrace(0, 0, 0, 0),
        "bpf": lambda: libc.syscall(321, 0, 0, 0),
        "keyctl": lambda: libc.syscall(250, 0, 0, 0),
        "io_uring": lambda: libc.syscall(425, 1, 0),
        "setuid": lambda: libc.setuid(0),
    }.items():
        if call() >= 0:
            done.append(name)
    try:
        socket.socket(40, socket.SOCK_STREAM)
        done.append("vsock")
    except OSError:
        pass
    return done
"""
_CHANGES = """
import os, socket
def main(home, outside):
    done = []
    for name, call in {
        "chmod": lambda: os.chmod(home, 0o777),
        "chmod by descriptor": lambda: os.chmod(os.open(home, os.O_PATH), 0o777),
        "chown": lambda: os.chown(home + "/secret", os.getuid(), os.getgid()),
        "xattr": lambda: os.setxattr(home + "/secret", "user.x", b"1"),
        "truncate": lambda: os.truncate(home + "/secret", 0),
        "unlink": lambda: os.unlink(home + "/secret"),
        "rename": lambda: os.rename(home + "/secret", home + "/other"),
        "link": lambda: os.link(home + "/secret", "mine"),
        "connect": lambda: socket.socket(socket.AF_UNIX).connect(outside + "/socket"),
    }.items():
        try:
            call()
            done.append(name)
        except OSError:
            pass
    return done
"""
_ENVIRONMENT = "import os\ndef main():\n    return sorted(os.environ)\n"
_ECHO = "def main(text):\n    return text\n"
_BIG_FILE = "def main():\n    with open('big', 'wb') as file:\n        file.write(b'x' * 10_000_000)\n"
_DEEP = "def main():\n    value = []\n    for _ in range(100_000):\n        value = [value]\n    return value\n"

_CLIENT = """
import os

def main(base):
    os.environ.update(BASE_INTERNAL_URL=base, WM_TOKEN="of-the-job", WM_WORKSPACE="main")
    import wmill
    return wmill.get_variable("u/ada/answer")
"""

_WRITES_TO_PACKAGES = """
import humanize, os
def main():
    folder = os.path.dirname(humanize.__file__)
    def refused(action):
        try:
            action()
        except OSError:
            return True
        return False
    return [
        humanize.intcomma(1000),
        refused(lambda: open(humanize.__file__, "a")),
        refused(lambda: os.mkdir(folder + "/new")),
        refused(lambda: os.unlink(humanize.__file__)),
    ]
"""
_WRITES_TO_NODE_MODULES = """
import { z } from "zod@3.23.8";
import fs from "node:fs";
export function main() {
  const folder = fs.realpathSync("node_modules/zod");
  const refused = (action: () => void) => { try { action(); return false; } catch { return true; } };
  return [
    z.string().parse("a"),
    refused(() => fs.appendFileSync(folder + "/package.json", " ")),
    refused(() => fs.mkdirSync(folder + "/new")),
    refused(() => fs.writeFileSync("node_modules/new.js", "")),
  ];
}
"""

IN_PYTHON: dict[str, Scenario] = {
    "duckdb opens its database": Scenario("duckdb", "SELECT 40 + 2 AS a", gives([{"a": 42}])),
    "sqlite writes a file": Scenario(
        "sqlite", "-- database a.db\nCREATE TABLE t (a); INSERT INTO t VALUES (1); SELECT a FROM t", gives([{"a": 1}])
    ),
    "sql reads what it must not": Scenario(
        "sqlite",
        "-- :home (text)\nATTACH :home || '/secret' AS x; SELECT * FROM x.t",
        fails("OperationalError"),
        {"home": "{home}"},
    ),
    "php is a program": Scenario("php", "<?php\nfunction main() { return getenv('LD_PRELOAD') ?: 42; }", gives(42)),
    "packages of python": Scenario("python3", _WRITES_TO_PACKAGES, gives(["1,000", True, True, True])),
    "packages of typescript": Scenario("deno", _WRITES_TO_NODE_MODULES, gives(["a", True, True, True])),
    "python client reaches the server": Scenario("python3", _CLIENT, gives("forty-two"), {"base": "{base}"}),
    "python ends itself": Scenario("python3", _EXIT, fails("ExecutionErr", "exit code 3", exit_code=3)),
    "python segfault": Scenario("python3", _SEGFAULT, fails("ExecutionErr", "SIGSEGV", exit_code=-11)),
    "python sys.exit": Scenario(
        "python3", "import sys\ndef main():\n    sys.exit(4)\n", fails("SystemExit", "sys.exit(4)", exit_code=4)
    ),
    "python loop": Scenario("python3", _LOOP, fails("Timeout", "1 s"), timeout_s=1.0),
    "python memory": Scenario(
        "python3",
        _BOMB,
        fails("MemoryError", "The script needed more memory than its limit."),
        limits={"memory_mb": 256},
    ),
    "python flood": Scenario(
        "python3", _FLOOD, every(gives("still here"), cut_log), limits={"output_bytes": 1_000_000}, timeout_s=60
    ),
    "python daemon": Scenario("python3", _DAEMON, every(gives("left"), no_strays), {"marker": "{marker}"}),
    "python fork bomb": Scenario(
        "python3",
        _FORK_BOMB,
        every(ends_somehow, fails("Timeout", "2 s"), no_strays),
        {"marker": "{marker}"},
        limits={"processes": 32},
        timeout_s=2.0,
    ),
    "python over its limit of processes": Scenario(
        "python3",
        _TOO_MANY_PROCESSES,
        every(fails("BlockingIOError", "Resource temporarily unavailable"), no_strays),
        {"marker": "{marker}"},
        limits={"processes": 32},
    ),
    "python over its limit of threads": Scenario(
        "python3", _TOO_MANY_THREADS, fails("RuntimeError", "can't start new thread"), limits={"processes": 32}
    ),
    "python garbage on every descriptor": Scenario("python3", _GARBAGE, fails("ExecutionErr", "channel")),
    "python forges after main": Scenario("python3", _LATE_FORGERY, gives("real")),
    "python answers what is no JSON": Scenario("python3", _BAD_JSON, fails("ExecutionErr", "JSON")),
    "python claims a huge answer": Scenario("python3", _HUGE_CLAIM, fails("ExecutionErr", "channel")),
    "python reads the data folder": Scenario(
        "python3",
        READS,
        gives([]),
        {"paths": ["{home}", "{home}/runtimes", "{home}/runtimes/hidden", "{home}/secret", "{home}/runtimes/shared"]},
    ),
    "python reads the server": Scenario(
        "python3",
        READS,
        gives([]),
        {
            "paths": [
                "/proc/{server}/environ",
                "/proc/{server}/mem",
                "/proc/{server}/root",
                "/proc/{server}/cwd",
                "/proc/{server}/fd/0",
                "/root/.bashrc",
                "/root/.ssh",
                "/home",
                "/etc/shadow",
            ]
        },
    ),
    "python writes elsewhere": Scenario(
        "python3", WRITES, gives([]), {"paths": ["/", "/usr", "/etc", "/root", "/var", "/home", "{home}", "{outside}"]}
    ),
    "python changes the data folder": Scenario(
        "python3", _CHANGES, gives([]), {"home": "{home}", "outside": "{outside}"}
    ),
    "python looks at other processes": Scenario("python3", _LOOK_AROUND, only_own_processes),
    "python signals everybody": Scenario(
        "python3", _SIGNALS, every(ends_somehow, is_alive_behind_walls), {"server": "{server}"}
    ),
    "python tries to get out": Scenario("python3", _ESCAPES, gives([])),
    "python has rights": Scenario("python3", _RIGHTS, has_no_rights),
    "python environment": Scenario(
        "python3", _ENVIRONMENT, gives(["HOME", "LANG", "PATH", "TMPDIR", "USER", "WM_JOB_ID"])
    ),
    "python big text": Scenario("python3", _ECHO, gives("ä" * 25_000_000), {"text": "ä" * 25_000_000}, timeout_s=60),
    "python surrogates": Scenario("python3", "def main():\n    return 'a\\ud800b\\U0001F600'\n", gives("a\ufffdb😀")),
    "python prints surrogates": Scenario(
        "python3", "def main():\n    print('a\\ud800b', chr(233))\n    return 1\n", gives(1)
    ),
    "python big file": Scenario("python3", _BIG_FILE, fails("OSError"), limits={"file_mb": 1}),
    "python deep value": Scenario("python3", _DEEP, fails("RecursionError")),
    "python result over its limit": Scenario(
        "python3",
        "def main():\n    return 'x' * 5000\n",
        fails("ResultTooLarge", "5.0 KB"),
        limits={"result_bytes": 1000},
    ),
    "python late import": Scenario(
        "python3", "def main():\n    import wave\n    return wave.__name__\n", gives("wave")
    ),
}
