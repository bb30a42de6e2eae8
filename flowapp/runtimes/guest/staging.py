"""Interpreters for jobs of another user, where there is no mount namespace to show them in.

Only for root in a container without namespaces, when Python, Deno or Bun live under a folder that job users may not enter
(a clone in /root). What they need is linked, or copied where a link is not possible, into a folder that they may enter.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace

from flowapp.runtimes.guest.plan import Plan, staged_packages

_FOLDER = "interpreters"
_LEFT_OUT = frozenset(("test", "tests", "idlelib", "__pycache__", "site-packages", "node_modules"))


def staged(plan: Plan) -> Plan:
    """The plan with readable interpreters; makes the copies, and points this process's own imports at them."""
    if plan.first_uid is None or plan.has_namespaces:
        return plan
    os.mkdir(staged_packages(plan), 0o711)
    target = f"{plan.scaffold}/{_FOLDER}"
    wanted = [path for path in sys.path if os.path.isdir(path)]
    bun = plan.bun if plan.bun and os.path.exists(plan.bun) else None
    drivers = plan.drivers if os.path.isdir(plan.drivers) else ""
    tools = [path for path in (plan.deno, bun, drivers, plan.wrapper) if path]
    hidden = _unreadable([*wanted, *tools], plan.first_uid)
    if not hidden:
        return plan
    os.mkdir(target, 0o755)
    moved = {path: f"{target}/{number}" for number, path in enumerate(hidden)}
    for path, copy in moved.items():
        _provide(path, copy)
    sys.path[:] = [moved.get(path, path) for path in sys.path]
    sys.path_importer_cache.clear()
    _follow(moved)
    return replace(
        plan,
        readable=(*plan.readable, target),
        deno=moved.get(plan.deno, plan.deno) if plan.deno else None,
        bun=moved.get(plan.bun, plan.bun) if plan.bun else None,
        drivers=moved.get(plan.drivers, plan.drivers),
        wrapper=moved.get(plan.wrapper, plan.wrapper),
    )


def _follow(moved: dict[str, str]) -> None:
    """Packages that are loaded already look for their other modules where they came from: there jobs may not read."""
    for module in list(sys.modules.values()):
        places = getattr(module, "__path__", None)
        if isinstance(places, list):
            places[:] = [_moved(place, moved) for place in places]


def _moved(place: str, moved: dict[str, str]) -> str:
    for path, copy in moved.items():
        if place.startswith(f"{path}/"):
            return copy + place.removeprefix(path)
    return place


def _unreadable(paths: list[str], uid: int) -> list[str]:
    """Those that a user cannot open, found out by trying as that user."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(write, bytes(not _opens(path) for path in paths))
        finally:
            os._exit(0)
    os.close(write)
    answer = os.read(read, len(paths))
    os.close(read)
    os.waitpid(pid, 0)
    return [path for path, is_hidden in zip(paths, answer, strict=False) if is_hidden]


def _opens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True


def _provide(path: str, copy: str) -> None:
    if os.path.isdir(path):
        # Installed packages may be many: they are linked, and left out where that would mean copying all of them.
        linked = _can_link(path, copy)
        if linked or os.path.basename(path) not in ("site-packages", "dist-packages"):
            import shutil  # only without namespaces; every fork would pay for the libraries that it loads

            shutil.copytree(path, copy, symlinks=True, ignore=_left_out, copy_function=_link_or_copy)
        else:
            os.mkdir(copy)
    else:
        _link_or_copy(path, copy)


def _left_out(_folder: str, names: list[str]) -> set[str]:
    return set(names) & _LEFT_OUT


def _can_link(path: str, copy: str) -> bool:
    return os.stat(path).st_dev == os.stat(os.path.dirname(copy)).st_dev


def _link_or_copy(source: str, target: str) -> None:
    with contextlib.suppress(OSError):
        os.link(source, target, follow_symlinks=False)
        return
    import shutil

    shutil.copy2(source, target, follow_symlinks=False)
