"""The file tree that jobs see: built once per launcher, on a tmpfs, out of read-only bind mounts.

Only what interpreters need is in it. The data folder, other people's homes and the server's configuration are not there
at all, and an interpreter under a private (0700) home is: it keeps its path, below folders that everybody may enter.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from flowapp.runtimes.guest import kernel
from flowapp.runtimes.guest.plan import JAIL_TMP, PACKAGES_IN_JAIL, WORK, Plan, staged_packages

SHARED_IN_JAIL = "/.flowapp/shared"
_HELD = "/.flowapp/held"
_PROGRAM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
#: of /etc only what name lookups, certificates, time zones and the dynamic loader need
ETC = (
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/services",
    "/etc/protocols",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/os-release",
    "/etc/gai.conf",
    "/etc/bash.bashrc",
    "/etc/inputrc",
    # R keeps a part of itself there
    "/etc/R",
)
_DEVICES = ("null", "zero", "full", "random", "urandom")
_SLOTS_IN_PASSWD = 256


def readable_paths(plan: Plan) -> list[str]:
    """What jobs may read where there is no jail: system files, interpreters, packages, and never a folder with `home` in it."""
    shown = [path for path in (*_PROGRAM_FOLDERS, *ETC, *plan.readable) if os.path.exists(path)]
    packages = plan.packages if plan.first_uid is None else staged_packages(plan)
    return [
        *(part for path in shown for part in _without(os.path.realpath(path), os.path.realpath(plan.home))),
        packages,
    ]


def _without(path: str, hidden: str) -> list[str]:
    """The folder, or, when `hidden` is inside it, everything in it that is not on the way there."""
    if path == hidden or path.startswith(hidden + "/"):
        return []
    if not hidden.startswith(path.rstrip("/") + "/"):
        return [path]
    return [part for name in os.listdir(path) for part in _without(os.path.join(path, name), hidden)]


def build(plan: Plan) -> None:
    """Leave the host's file tree for good and stand in the jail. Needs CAP_SYS_ADMIN over the mount namespace."""
    root = plan.scaffold
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID, "size=4m,mode=0755")
    for path in (*_PROGRAM_FOLDERS, *ETC, *plan.readable):
        _show(root, path)
    _make_devices(root)
    _make_users(root, plan)
    for folder in ("/proc", JAIL_TMP, "/var", SHARED_IN_JAIL, "/.old"):
        os.makedirs(root + folder, exist_ok=True)
    os.chmod(root + os.path.dirname(SHARED_IN_JAIL), 0o700)
    os.symlink(JAIL_TMP, root + "/var/tmp")  # noqa: S108  # inside the jail
    # where Windmill's clients look for what the steps of a run share; it leads nowhere in a run that keeps no such folder
    os.symlink(f"{JAIL_TMP}/{WORK}/shared", root + "/shared")
    for number, path in enumerate(below_tmp(plan)):
        _show(root, path, f"{_HELD}/{number}")
    kernel.mount("/proc", root + "/proc", None, kernel.MS_BIND | kernel.MS_REC)
    kernel.mount(plan.shared, root + SHARED_IN_JAIL, None, kernel.MS_BIND)
    _cover(root, plan.home)
    _show(root, plan.packages, PACKAGES_IN_JAIL)
    kernel.pivot_root(root, root + "/.old")
    os.chdir("/")
    kernel.unmount("/.old")
    os.rmdir("/.old")
    kernel.mount("none", "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID)


def below_tmp(plan: Plan) -> list[str]:
    """What must stay visible although each job lays a /tmp of its own over it: a clone or an interpreter in /tmp."""
    inside = [path for path in plan.readable if path.startswith(f"{JAIL_TMP}/") and os.path.exists(path)]
    return [path for path in inside if not plan.home.startswith(f"{path}/")]


def bring_back(kept: Sequence[str]) -> None:
    """Show what `below_tmp` answered in the job's own /tmp. Still with rights over its mounts."""
    for number, path in enumerate(kept):
        if not os.path.lexists(path):
            _bind(f"{_HELD}/{number}", path)


def _show(root: str, path: str, place: str | None = None) -> None:
    """Put one file or folder of the host at the same place (or at `place`) in the jail, read only.

    A link is kept as a link where its target is shown anyway (/bin -> usr/bin); otherwise its target is shown.
    """
    target = root + (place or path)
    if not os.path.exists(path) or os.path.lexists(target):
        return
    if os.path.islink(path) and _leads_into_programs(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(os.readlink(path), target)
        return
    _bind(os.path.realpath(path), target)
    kernel.make_read_only(target)


def _bind(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        Path(target).touch()
    kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)


def _leads_into_programs(path: str) -> bool:
    return os.path.realpath(path).startswith("/usr/")


def _make_devices(root: str) -> None:
    os.makedirs(root + "/dev", exist_ok=True)
    for name in _DEVICES:
        Path(f"{root}/dev/{name}").touch()
        kernel.mount(f"/dev/{name}", f"{root}/dev/{name}", None, kernel.MS_BIND)
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("shm", JAIL_TMP),
    ):
        os.symlink(target, f"{root}/dev/{name}")


def _make_users(root: str, plan: Plan) -> None:
    """A user table with the jobs' users and nobody of the host's."""
    first = plan.first_uid
    users = [os.getuid()] if first is None else range(first, first + _SLOTS_IN_PASSWD)
    lines = ["root:x:0:0:root:/:/bin/false", *(f"job:x:{uid}:{uid}:job:{JAIL_TMP}:/bin/bash" for uid in users if uid)]
    groups = ["root:x:0:", *(f"job:x:{uid}:" for uid in users if uid)]
    Path(root + "/etc/passwd").write_text("\n".join(lines) + "\n")
    Path(root + "/etc/group").write_text("\n".join(groups) + "\n")


def _cover(root: str, hidden: str) -> None:
    """Where something shown contains the data folder, lay an empty folder over it."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if os.path.isdir(root + hidden) and os.listdir(root + hidden):
            kernel.mount("tmpfs", root + hidden, "tmpfs", kernel.MS_NOSUID | kernel.MS_RDONLY, "size=4k,mode=0700")
