"""The isolation ladder: which walls this host lets us build, found out by building them.

| rung  | who                          | walls                                                                             |
|-------|------------------------------|-----------------------------------------------------------------------------------|
| full  | root                         | own user per job, file tree, processes and IPC of its own; Landlock; seccomp      |
| user  | anybody with user namespaces | the same, without a second user                                                   |
| basic | anybody                      | Landlock (or, for root, own users) hides the data folder; seccomp; limits         |
| none  | anybody                      | limits only; user code can read the data folder: only when told to                |

A rung counts only when a real job, run at start, could not do what it must not do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from flowapp.jsontext import JsonText
from flowapp.runtimes import bun, go, handover, probe, shared_folders, versions
from flowapp.runtimes.conversation import Conversation
from flowapp.runtimes.errors import IsolationTooLow, RuntimeUnavailable, SandboxFailed
from flowapp.runtimes.guest import frames, kernel
from flowapp.runtimes.guest.plan import BASIC, FULL, NONE, USER, Plan
from flowapp.runtimes.jobs import Isolation, Job, RuntimeSettings
from flowapp.runtimes.launching import Launcher
from flowapp.runtimes.shared_folders import SharedFolders

LEVELS = (NONE, BASIC, USER, FULL)
_LABELS = {
    FULL: "Full: each step has its own user, files and processes",
    USER: "User: each step has its own files and processes, under the server's user",
    BASIC: "Basic: the data folder is hidden from steps, but they share the server's machine view",
    NONE: "None: steps can read everything that the server can",
}
_PROBE_SECONDS = 20.0
_MOST_SLOTS = 256
_SCAFFOLD = "flowapp-jobs-"


@dataclass(frozen=True, slots=True)
class Host:
    """What this host turned out to be able to do, and the launcher that does it."""

    isolation: Isolation
    launcher: Launcher
    shared: SharedFolders
    deno: str | None
    bun: Path | None

    def remove_traces(self) -> None:
        """Remove the folders made for jobs; after the launcher has ended."""
        if not self.launcher.plan.has_namespaces:
            shutil.rmtree(self.launcher.plan.scaffold, ignore_errors=True)


async def climb(settings: RuntimeSettings, lost: Callable[[], None]) -> Host:
    """Start a launcher on the highest rung that holds.

    Raises:
        IsolationTooLow: no rung from `settings.min_isolation` on holds; the message says what each was missing.
        RuntimeUnavailable: this is no Linux, or not a machine whose calls we know.
    """
    lowest = lowest_allowed(settings.min_isolation)
    if not kernel.supported():
        raise RuntimeUnavailable("Scripts run on Linux (x86_64 or aarch64) only.")
    _make_folders(settings.home)
    deno = await asyncio.to_thread(versions.find_deno, settings)
    bun_program = await asyncio.to_thread(bun.find, settings)
    notes: list[str] = []
    for level in _candidates():
        if LEVELS.index(level) < LEVELS.index(lowest):
            break
        shared = _shared(settings.home, level)
        plan = _plan(settings, level, shared.root, deno, bun_program)
        try:
            launcher = await Launcher.start(settings.python, plan, lost)
        except RuntimeUnavailable as error:
            notes.append(f"{level}: {error.message}")
            continue
        try:
            seen = await _try_out(launcher, settings)
        except (SandboxFailed, TimeoutError) as error:
            notes.append(f"{level}: {error or 'a first script did not end'}")
            await _let_go(launcher)
            continue
        leaks = seen.leaks(level)
        if seen.opens_sockets and not settings.network:
            notes.append(f"{level}: a script could open a network connection, and FLOWAPP_STEP_NETWORK is off")
            await _let_go(launcher)
            continue
        if leaks and level != NONE:
            notes.append(f"{level}: a script could {', '.join(leaks)}")
            await _let_go(launcher)
            continue
        isolation = Isolation(level, _LABELS[level], probe.mechanisms(plan, launcher.facts, seen), (*notes, *leaks))
        return Host(isolation, launcher, shared, deno, bun_program)
    raise IsolationTooLow(
        f"User code cannot be isolated here as FLOWAPP_MIN_ISOLATION={lowest} demands. " + "; ".join(notes),
        "Allow user namespaces or Landlock on this host, run as root, or, on a machine of your own, set "
        "FLOWAPP_MIN_ISOLATION=none.",
    )


async def relaunch(host: Host, settings: RuntimeSettings, lost: Callable[[], None]) -> Launcher:
    """The same launcher again, after the old one was lost."""
    plan = host.launcher.plan
    if not plan.has_namespaces:
        host.remove_traces()
        plan = _plan(settings, plan.level, host.shared.root, host.deno, host.bun)
    return await Launcher.start(settings.python, plan, lost)


def with_launcher(host: Host, launcher: Launcher) -> Host:
    """The host with another launcher of the same kind."""
    return replace(host, launcher=launcher)


def lowest_allowed(wanted: str) -> str:
    """The rung that a setting names; empty means basic.

    Raises:
        IsolationTooLow: it names none.
    """
    if (wanted or BASIC) not in LEVELS:
        raise IsolationTooLow(f"FLOWAPP_MIN_ISOLATION must be one of {', '.join(LEVELS)}, not {wanted!r}.")
    return wanted or BASIC


def _candidates() -> tuple[str, ...]:
    return (FULL, BASIC, NONE) if os.geteuid() == 0 else (USER, BASIC, NONE)


def _make_folders(home: Path) -> None:
    (home / "runtimes" / "jail").mkdir(parents=True, exist_ok=True)
    (home / "runtimes").chmod(0o700)


def _shared(home: Path, level: str) -> SharedFolders:
    """Where the shared folders of runs are on a rung: jobs with another user cannot pass through the data folder."""
    if level == BASIC and os.geteuid() == 0:
        return shared_folders.outside(home / "runtimes")
    return shared_folders.inside(home / "runtimes")


def _plan(settings: RuntimeSettings, level: str, shared: Path, deno: str | None, bun_program: Path | None) -> Plan:
    if level in (FULL, USER):
        scaffold = str(settings.home.resolve() / "runtimes" / "jail")
    else:
        _remove_leftovers()
        scaffold = tempfile.mkdtemp(prefix=f"{_SCAFFOLD}{os.getpid()}-")
        os.chmod(scaffold, 0o711)  # noqa: S103  # job users must pass through it, and cannot list it
    return Plan(
        level=level,
        home=str(settings.home.resolve()),
        scaffold=scaffold,
        readable=tuple(str(folder) for folder in (go.find(settings),) if folder is not None),
        shared=str(shared),
        packages=str((settings.home / "packages" / "ready").resolve()),
        deno=deno,
        bun=str(bun_program) if bun_program else None,
        first_uid=_first_uid() if os.geteuid() == 0 and level != NONE else None,
        protected=(os.getpid(),),
        scratch_mb=settings.scratch_mb,
        drivers=str(settings.drivers or Path(sys.prefix) / "sql"),
        network=settings.network,
        cpus=settings.cpus,
    )


def _remove_leftovers() -> None:
    """Remove job folders of servers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCAFFOLD}*"):
        owner = folder.name.removeprefix(_SCAFFOLD).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and folder.lstat().st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)


def _first_uid() -> int:
    """The first of 256 user ids that nobody else uses.

    Far above those of people and services, and different for each server process. Inside a container that was given
    only some ids, the last of those.
    """
    room = 0
    with open("/proc/self/uid_map") as file:
        for row in file:
            inside, _, count = (int(part) for part in row.split())
            room = max(room, inside + count)
    if room > 1 << 31:
        return 0x60000000 + os.getpid() % 0x100000 * _MOST_SLOTS
    blocks = max((room - 60_000 if room > 65_000 else room // 2) // _MOST_SLOTS, 1)
    return room - (os.getpid() % blocks + 1) * _MOST_SLOTS


async def _try_out(launcher: Launcher, settings: RuntimeSettings) -> probe.Seen:
    """Run a job that tries what jobs must not do."""
    sandbox = await launcher.sandbox("script", shared=None, bounds=settings.limits.bounds)
    marker = settings.home / "runtimes" / "hidden"
    marker.write_text("no job may read this\n")
    arguments = {"hidden": [str(marker), str(settings.home)], "server": os.getpid()}
    job = Job("probe", "python3", probe.CODE, JsonText(json.dumps(arguments)))
    conversation = Conversation(sandbox, lambda _text: None, 1 << 16, 1 << 16)
    try:
        conversation.start(*handover.python_texts(job), _PROBE_SECONDS)
        answer = await conversation.answer
    finally:
        conversation.close()
    if answer.kind != frames.RESULT:
        raise SandboxFailed(answer.body.decode("utf-8", "replace")[:500] or "a first script did not end")
    return probe.Seen(**json.loads(answer.body))


async def _let_go(launcher: Launcher) -> None:
    await launcher.close()
    if not launcher.plan.has_namespaces:
        with contextlib.suppress(OSError):
            shutil.rmtree(launcher.plan.scaffold)
