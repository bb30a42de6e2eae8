"""Runs a program as somebody else, to see the isolation ladder from other kinds of host.

Usage, as root: `python setups.py <uid> <yes|no|nothing|unfiltered> <program> [arguments]`. The program gets a private view in
which root's home, where the interpreter may live, belongs to that user and is closed to all others (mode 0700). With
user id 0 it stays root, as in a container. yes: the host allows namespaces; no: it refuses them; nothing: it refuses
Landlock as well, like an old kernel; unfiltered: it refuses namespaces and call filters.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from flowapp.runtimes.guest import kernel, seccomp  # noqa: E402


def main(uid: int, allowed: str, command: list[str]) -> None:
    if uid:
        _become(uid)
    if allowed != "yes":
        kernel.no_new_privileges()
        seccomp.apply(_without_namespaces(landlock=allowed != "nothing", filters=allowed != "unfiltered"))
    os.execv(command[0], command)


def _become(uid: int) -> None:
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    _give_home_to(uid)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel.set_dumpable(True)


def _give_home_to(uid: int) -> None:
    """Show only the interpreters' folders of /root, in a home that is the user's own."""
    kept = [name for name in (".pyenv", ".local") if os.path.isdir(f"/root/{name}")]
    held = {name: os.open(f"/root/{name}", os.O_PATH) for name in kept}
    kernel.mount("tmpfs", "/root", "tmpfs", 0, f"mode=0700,uid={uid},gid={uid}")
    for name, descriptor in held.items():
        os.mkdir(f"/root/{name}")
        kernel.mount(f"/proc/self/fd/{descriptor}", f"/root/{name}", None, kernel.MS_BIND | kernel.MS_REC)
    with contextlib.suppress(OSError):
        os.chown("/root", uid, uid)


def _without_namespaces(*, landlock: bool, filters: bool) -> bytes:
    """A filter that refuses new namespaces, as container runtimes do by default, and allows everything else."""
    unshare, clone, clone3 = (272, 56, 435) if kernel.machine == "x86_64" else (97, 220, 435)
    filtering = kernel.number_of("seccomp")
    new_namespace = 0x7E020000
    program = [
        (0x20, 0, 0, 0),
        (0x15, 0, 1, unshare),
        (0x06, 0, 0, 0x00050000 | errno.EPERM),
        (0x15, 0, 1, clone3),
        (0x06, 0, 0, 0x00050000 | errno.ENOSYS),
        *([] if landlock else [(0x15, 0, 1, 444), (0x06, 0, 0, 0x00050000 | errno.ENOSYS)]),
        *([] if filters else [(0x15, 0, 1, filtering), (0x06, 0, 0, 0x00050000 | errno.EINVAL)]),
        (0x15, 0, 3, clone),
        (0x20, 0, 0, 16),
        (0x45, 0, 1, new_namespace),
        (0x06, 0, 0, 0x00050000 | errno.EPERM),
        (0x06, 0, 0, 0x7FFF0000),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in program)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
