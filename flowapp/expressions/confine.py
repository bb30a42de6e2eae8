"""Taking everything away from the evaluating process, before the first expression reaches it.

Used only by `worker.py`, in its own process; imports nothing but the standard library. Each mechanism that the host lacks is
left out and reported, since none of them needs the others: own user id (when started by root), resource limits, no file
access (Landlock), and a list of the few system calls that computing and answering need (seccomp).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
FILE_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
NETWORK_RIGHTS = 0b11  #: bind and connect over TCP, from ABI 4 on
SCOPES = 0b11  #: abstract Unix sockets and signals, from ABI 6 on

# Reading and writing what is open, memory, time, signals to itself, ending. Nothing that opens, connects or starts.
_X86_64 = (
    *(0, 1, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 35, 39, 44, 45, 46, 47, 48, 60, 96, 98, 100, 110),
    *(131, 186, 201, 202, 219, 228, 230, 231, 318, 334),
)
_AARCH64 = (
    *(57, 62, 63, 64, 73, 80, 93, 94, 98, 101, 113, 115, 124, 128, 132, 134, 135, 139, 153, 165, 169, 172, 173, 178),
    *(206, 207, 210, 211, 212, 214, 215, 216, 222, 226, 233, 278, 293),
)
_ARCHITECTURES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000


def confine(uid: int | None, memory_bytes: int, parent: int) -> list[str]:
    """Give up everything that can be given up; returns the names of what took hold.

    Raises:
        OSError: `uid` was given and could not be taken.
        SystemExit: the parent ended meanwhile.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    taken: list[str] = []
    os.environ.clear()
    os.chdir("/")
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        taken.append("own user")
    # after the change of user, which clears it; then look whether the parent was quicker
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    _limit(memory_bytes)
    taken.append("limits")
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        if _landlock(libc):
            taken.append("landlock")
        if _seccomp(libc):
            taken.append("seccomp")
    return taken


def _limit(memory_bytes: int) -> None:
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 8,
    }
    if os.getuid() != 0:
        limits[resource.RLIMIT_NPROC] = 0
    for name, value in limits.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(name, (value, value))


def _landlock(libc: ctypes.CDLL) -> bool:
    """A rule set that handles every right and grants none."""
    abi = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        return False
    files = FILE_RIGHTS_BY_ABI[max(known for known in FILE_RIGHTS_BY_ABI if known <= abi)]
    fields = [files] + ([NETWORK_RIGHTS] if abi >= 4 else []) + ([SCOPES] if abi >= 6 else [])
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    held: bool = libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return held


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Refuse every system call that is not listed; kill the process if it changes its architecture."""
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return False
    audit, calls = known

    def line(code: int, true: int, false: int, value: int) -> bytes:
        return struct.pack("<HBBI", code, true, false, value)

    program = [line(_LOAD, 0, 0, 4), line(_EQUAL, 1, 0, audit), line(_RETURN, 0, 0, _KILL), line(_LOAD, 0, 0, 0)]
    for position, call in enumerate(calls):
        program.append(line(_EQUAL, len(calls) - position, 0, call))
    program += [line(_RETURN, 0, 0, _REFUSE), line(_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(program))
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    return bool(libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(filter_), 0, 0) == 0)
