"""Memory limits for whole jobs by control groups, where the host gives us some (version 1 or 2).

Without them memory is limited per process only. Used if a trial works, left out silently if not: containers and
ordinary users mostly have none.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field

_MOUNT = "/sys/fs/cgroup"
_NAME = re.compile(r"flowapp-\d+")
#: beside the script's own memory: our processes, and what interpreters need to stand still
_SLACK_MB = 256
_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}


@dataclass(slots=True)
class Groups:
    """A group of our own, with one group per slot in it. Reached by descriptor: jails do not show /sys."""

    version: int
    parent: int
    name: str
    base: int
    _limits: dict[int, int] = field(default_factory=dict)

    def put(self, pid: int, slot: int, memory_mb: int) -> None:
        """Put a process, and with it all that it will start, into the group of its slot."""
        name = f"slot-{slot}"
        if self._limits.get(slot) != memory_mb:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=self.base)
            _write(self.base, f"{name}/{_FILES[self.version]}", str(memory_mb + _SLACK_MB << 20))
            self._limits[slot] = memory_mb
        _write(self.base, f"{name}/cgroup.procs", str(pid))

    def remove(self) -> None:
        """Remove our groups; those that still hold a process stay."""
        _remove_tree(self.parent, self.name)


def find() -> Groups | None:
    """Our own place in the host's control groups, after trying it with a process."""
    for version, folder in _candidates():
        with contextlib.suppress(OSError):
            return _try(version, folder)
    return None


def _candidates() -> list[tuple[int, str]]:
    """Folders in which we might make groups that limit memory; version 2 outermost first."""
    found: list[tuple[int, str]] = []
    with open("/proc/self/cgroup") as file:
        rows = [row.rstrip("\n").split(":", 2) for row in file]
    for _, controllers, path in rows:
        if "memory" in controllers.split(","):
            found.append((1, f"{_MOUNT}/memory{path}"))
        if not controllers and os.path.exists(f"{_MOUNT}/cgroup.controllers"):
            parts = [part for part in path.split("/") if part]
            found += [(2, "/".join([_MOUNT, *parts[:count]])) for count in range(len(parts) + 1)]
    return found


def _try(version: int, folder: str) -> Groups:
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if version == 2 and "memory" not in _read(parent, "cgroup.subtree_control").split():
        raise PermissionError("memory is not handed down here")
    for name in os.listdir(parent):
        # Left behind by a launcher that was killed.
        if _NAME.fullmatch(name) and not os.path.exists(f"/proc/{name.partition('-')[2]}"):
            _remove_tree(parent, name)
    name = f"flowapp-{os.getpid()}"
    os.mkdir(name, dir_fd=parent)
    base = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
    groups = Groups(version, parent, name, base)
    try:
        if version == 2:
            _write(base, "cgroup.subtree_control", "+memory")
        _try_with_a_process(groups)
    except OSError:
        groups.remove()
        raise
    return groups


def _try_with_a_process(groups: Groups) -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    try:
        groups.put(pid, 0, 1024)
    finally:
        os.close(write)
        os.waitpid(pid, 0)


def _remove_tree(parent: int, name: str) -> None:
    with contextlib.suppress(OSError):
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
        try:
            for inner in os.listdir(folder):
                if inner.startswith("slot-"):
                    with contextlib.suppress(OSError):
                        os.rmdir(inner, dir_fd=folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)


def _write(folder: int, name: str, text: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _read(folder: int, name: str) -> str:
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(descriptor, 4096).decode()
    finally:
        os.close(descriptor)
