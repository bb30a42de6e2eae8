"""The Linux calls that isolation is made of, through ctypes: no helper program and no native package is needed.

Every function raises `OSError` with the kernel's errno when the kernel refuses.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import struct
from functools import lru_cache

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
_CLONE_PARENT = 0x00008000
_CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID = 0x00200000, 0x01000000
_CLONE_VM, _CLONE_FS, _CLONE_FILES = 0x00000100, 0x00000200, 0x00000400
_SIGCHLD = 17

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_RELATIME = 1 << 21
_ST_RELATIME = 4096
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NAME = 15
_PR_GET_TID_ADDRESS = 40
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_ATTR_RDONLY = 1
_ATTR_NOSUID = 2
_ATTR_NODEV = 4
_LAST_CAPABILITY = 63
_CAPABILITY_V3 = 0x20080522

#: name → number, per machine; numbers from 424 on are the same everywhere
_NUMBERS = {
    "x86_64": {"clone": 56, "prctl": 157, "pivot_root": 155, "capset": 126, "seccomp": 317},
    "aarch64": {"clone": 220, "prctl": 167, "pivot_root": 41, "capset": 91, "seccomp": 277},
}
_MOUNT_SETATTR = 442

machine = os.uname().machine
libc = ctypes.CDLL(None, use_errno=True)
#: the same library, called without letting go of the interpreter lock: what a fork needs
_with_lock = ctypes.PyDLL(None, use_errno=True)
_with_lock.clone.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_IDLE_STACK = 1 << 14
_idle_stack = ctypes.create_string_buffer(_IDLE_STACK)
_syscall = libc.syscall
_syscall.restype = ctypes.c_long


def supported() -> bool:
    """Whether this machine is one whose system call numbers we know."""
    return os.uname().sysname == "Linux" and machine in _NUMBERS


def counts_per_namespace() -> bool:
    """Whether the limit of processes is counted per user namespace (Linux 5.14)."""
    major, minor = (int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    return (major, minor) >= (5, 14)


def check(result: int, what: str) -> int:
    """The result of a C call, or the error it stands for."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, *arguments: object, what: str = "syscall") -> int:
    """A raw system call; integers are passed as 64 bit."""
    given = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return check(_syscall(ctypes.c_long(number), *given), what)


def number_of(name: str) -> int:
    """The number of a system call on this machine."""
    return _NUMBERS[machine][name]


def fork_without_hooks() -> int:
    """Fork, leaving out what Python and its libraries do after one (new random seed, fresh locks, threads forgotten).

    In our launcher that work touches some 200 pages of a child, half a millisecond. It may be left out only where the
    process has one thread and the child runs no user code, or calls `after_fork` before it does.
    """
    return check(_with_lock.fork(), "fork")


def fork_sibling() -> int:
    """`fork_without_hooks`, whose child is a child of our parent: who waits for it and kills it is not who made it.

    The C library remembers a thread's number; what forks past it has the kernel write the new one there (`thread_id_place`).
    """
    return check(_with_lock.syscall(*_sibling_arguments()), "clone")


@lru_cache(1)
def _sibling_arguments() -> tuple[ctypes.c_long, ...]:
    place = thread_id_place()
    flags = _CLONE_PARENT | _SIGCHLD | (_CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID if place else 0)
    rest = (0, 0, place, 0) if machine == "x86_64" else (0, 0, 0, place)
    return tuple(ctypes.c_long(number) for number in (number_of("clone"), flags, *rest))


@lru_cache(1)
def thread_id_place() -> int:
    """Where the C library keeps this thread's number, the same in whatever is forked from it; 0 where the kernel does not tell."""
    place = ctypes.c_void_p()
    try:
        syscall(number_of("prctl"), _PR_GET_TID_ADDRESS, ctypes.byref(place), 0, 0, 0, what="prctl")
    except OSError:
        return 0
    return place.value or 0


def after_fork() -> None:
    """What `fork_without_hooks` left out; in the child, before it runs user code."""
    ctypes.pythonapi.PyOS_AfterFork_Child()


def clone_that_waits() -> int:
    """A child that shares our memory and waits until it is killed. The caller blocks all signals before.

    It runs no Python, only the C library's `pause`. All of them have one stack: what they write there is where to return to, and
    they never do.
    """
    top = ctypes.addressof(_idle_stack) + _IDLE_STACK - 64 & ~15
    flags = _CLONE_VM | _CLONE_FS | _CLONE_FILES | _SIGCHLD
    return check(_with_lock.clone(ctypes.cast(libc.pause, ctypes.c_void_p), top, flags, None), "clone")


def unshare(flags: int) -> None:
    """Leave the shared namespaces that `flags` names."""
    check(libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace that the descriptor stands for."""
    check(libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount, bind, or change the flags of a mount."""
    done = libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() if data else None,
    )
    check(done, f"mount {target}")


def unmount(target: str) -> None:
    """Detach a mount, and all below it."""
    check(libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace and show the former one at `old`."""
    syscall(number_of("pivot_root"), os.fsencode(new), os.fsencode(old), what="pivot_root")


def make_read_only(target: str, *, devices: bool = False) -> None:
    """Make a bind mount read only and without setuid, with everything mounted below it.

    Kernels before 5.12 have no recursive call: there only the mount itself is changed, keeping the flags it had, which
    a user namespace is not allowed to clear.
    """
    flags = _ATTR_RDONLY | _ATTR_NOSUID | (0 if devices else _ATTR_NODEV)
    try:
        attributes = struct.pack("QQQQ", flags, 0, 0, 0)
        syscall(
            _MOUNT_SETATTR,
            _AT_FDCWD,
            os.fsencode(target),
            _AT_RECURSIVE,
            attributes,
            len(attributes),
            what=f"mount_setattr {target}",
        )
    except OSError:
        flags = os.statvfs(target).f_flag
        kept = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)
        kept |= MS_RELATIME if flags & _ST_RELATIME else 0
        wanted = MS_RDONLY | MS_NOSUID | (0 if devices else MS_NODEV)
        mount("none", target, None, MS_REMOUNT | MS_BIND | kept | wanted)


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    """Change something of this process; all arguments are integers."""
    given = (ctypes.c_ulong(first), ctypes.c_ulong(second), ctypes.c_ulong(0), ctypes.c_ulong(0))
    return check(libc.prctl(ctypes.c_int(option), *given), f"prctl {option}")


def die_with_parent(signal_number: int = 9) -> None:
    """Ask the kernel for a signal when the parent ends. Changing the user id clears it, so call it after that."""
    prctl(_PR_SET_PDEATHSIG, signal_number)


def no_new_privileges() -> None:
    """Setuid programs and file capabilities give nothing from now on."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def adopt_orphans() -> None:
    """Descendants whose parent ends become our children."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_dumpable(allowed: bool) -> None:
    """Whether other processes of the same user may look into this one (ptrace, /proc/<pid>/mem, environ)."""
    prctl(_PR_SET_DUMPABLE, int(allowed))


def set_name(name: str) -> None:
    """The name that `ps` shows, at most 15 bytes."""
    libc.prctl(ctypes.c_int(_PR_SET_NAME), name.encode()[:15], 0, 0, 0)


def drop_bounding_set() -> None:
    """No exec gives a capability from now on, to this process and its descendants; those that it has stay. A new user namespace has all again."""
    for number in range(_LAST_CAPABILITY + 1):
        try:
            prctl(_PR_CAPBSET_DROP, number)
        except OSError:
            # EINVAL: past the last capability of this kernel. EPERM: nothing to drop from, we never had the right.
            break


def drop_capabilities() -> None:
    """Give up every capability that this process has."""
    header = struct.pack("Ii", _CAPABILITY_V3, 0)
    syscall(number_of("capset"), header, struct.pack("6I", *[0] * 6), what="capset")


def map_own_user(uid: int, gid: int) -> None:
    """In a fresh user namespace: let the user keep their own ids, and map nobody else."""
    with contextlib.suppress(FileNotFoundError):
        _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
