"""The first job of every start: it tries what jobs must not be able to do, and reports what it could."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowapp.runtimes.guest.plan import FULL, NONE, USER, Plan

CODE = """
import ctypes, os, socket

def main(hidden, server):
    def can(action):
        try:
            action()
            return True
        except OSError:
            return False

    libc = ctypes.CDLL(None, use_errno=True)
    # In a process namespace of our own we are process 2, and the server's number means nobody, or the one that holds the namespace.
    alone = os.getpid() <= 2
    return {
        "reads_data": any(can(lambda: os.listdir(p) if os.path.isdir(p) else open(p).close()) for p in hidden),
        "changes_data": any(can(lambda: os.chmod(p, 0o700)) for p in hidden),
        "reads_server": not alone and can(lambda: open(f"/proc/{server}/environ").close()),
        "signals_server": not alone and can(lambda: os.kill(server, 0)),
        "is_root": os.getuid() == 0,
        "makes_namespaces": libc.unshare(0x10000000) == 0,
        "own_processes": alone,
        "opens_sockets": can(lambda: socket.socket(socket.AF_INET).close()),
    }
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the probing job found. The first six are things it must not be able to do, and the last where the network is off."""

    reads_data: bool
    changes_data: bool
    reads_server: bool
    signals_server: bool
    is_root: bool
    makes_namespaces: bool
    own_processes: bool
    opens_sockets: bool

    def leaks(self, level: str) -> list[str]:
        """Why `level` does not hold, as the end of "a script could …"; empty when it does."""
        found = []
        if self.reads_data:
            found.append("read the data folder")
        if self.changes_data:
            found.append("change the data folder")
        if self.reads_server:
            found.append("read the server's environment")
        if self.signals_server:
            found.append("signal the server")
        if level in (FULL, USER) and not self.own_processes:
            found.append("see other processes")
        if level == FULL and self.is_root:
            found.append("act as root")
        return found


def mechanisms(plan: Plan, facts: dict[str, Any], seen: Seen) -> dict[str, bool]:
    """Each wall by name, and whether it stands."""
    asked = {"no network": not seen.opens_sockets} if not plan.network else {}
    if plan.cpus:
        asked["few processors"] = bool(facts.get("seccomp"))
    return {
        "own user": plan.first_uid is not None,
        "own files": plan.level in (FULL, USER),
        "own processes": seen.own_processes,
        "landlock": bool(facts.get("landlock")) and plan.level != NONE,
        "seccomp": bool(facts.get("seccomp")),
        "limits": True,
        "data folder hidden": not (seen.reads_data or seen.changes_data),
        "control group": bool(facts.get("control_group")),
        "server protected": not (seen.reads_server or seen.signals_server),
        "no new namespaces": not seen.makes_namespaces,
        **asked,
    }
