"""What one job's process goes through before it gets the job: own namespaces, own user, no rights, no way out.

Runs in the agent (process 1 of the job's process namespace), while it is idle, so it costs a job nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from flowapp.runtimes.guest import jail, kernel, landlock, seccomp
from flowapp.runtimes.guest.plan import JAIL_TMP, USER, WORK, Plan


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job lives: its scratch folder, its user (None: the launcher's), and the run's shared folder."""

    folder: str
    uid: int | None
    shared: str | None

    @property
    def work(self) -> str:
        """The working folder of the script."""
        return f"{self.folder}/{WORK}"


@dataclass(frozen=True, slots=True)
class Locks:
    """Which kernel mechanisms this host has, found out once by the launcher; and what must stay visible in /tmp."""

    landlock: bool
    seccomp_program: bytes | None
    below_tmp: tuple[str, ...] = ()


def enter(plan: Plan, place: Place, locks: Locks) -> None:
    """Go behind all walls. Raises OSError when one of them cannot be built; the process must then end."""
    uid = os.getuid() if place.uid is None else place.uid
    gid = os.getgid() if place.uid is None else place.uid
    if plan.has_namespaces:
        _own_namespaces(plan, place, uid, gid)
        jail.bring_back(locks.below_tmp)
    _make_work_folder(place, uid, gid)
    if plan.has_namespaces:
        kernel.unmount(jail.SHARED_IN_JAIL)
    if plan.level == USER:
        # A user namespace of its own makes the kernel count this job's processes apart from all others.
        kernel.unshare(kernel.CLONE_NEWUSER)
        kernel.map_own_user(uid, gid)
        kernel.drop_bounding_set()
    if place.uid is not None:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    if plan.cpus:
        _use_few_processors(plan.cpus)
    kernel.drop_capabilities()
    kernel.die_with_parent()
    kernel.no_new_privileges()
    if locks.landlock:
        _hide_files(plan, place)
    if locks.seccomp_program is not None:
        seccomp.apply(locks.seccomp_program)
    os.chdir(place.work)
    os.umask(0o000 if place.shared else 0o022)


def _use_few_processors(most: int) -> None:
    """Others than the last job got, by chance; the call filter keeps them. Inherited by all that the job starts."""
    usable = sorted(os.sched_getaffinity(0))
    first = os.urandom(1)[0] % len(usable)
    os.sched_setaffinity(0, (usable[first:] + usable[:first])[:most])


def _own_namespaces(plan: Plan, place: Place, uid: int, gid: int) -> None:
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
    size = f"size={plan.scratch_mb}m,nr_inodes=100000,mode=0700,uid={uid},gid={gid}"
    kernel.mount("tmpfs", place.folder, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, size)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)


def _make_work_folder(place: Place, uid: int, gid: int) -> None:
    os.mkdir(place.work, 0o700)
    if os.getuid() == 0:
        os.chown(place.work, uid, gid)
    if place.shared is None:
        return
    target = f"{place.work}/shared"
    if place.folder == JAIL_TMP:
        os.mkdir(target)
        kernel.mount(f"{jail.SHARED_IN_JAIL}/{os.path.basename(place.shared)}", target, None, kernel.MS_BIND)
    else:
        os.symlink(place.shared, target)


def _hide_files(plan: Plan, place: Place) -> None:
    if plan.has_namespaces:
        landlock.restrict(readable=["/"], writable=[place.folder, "/dev"])
        return
    devices = [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")]
    shared = [place.shared] if place.shared else []
    landlock.restrict(
        # DuckDB asks how many processors it may use, and takes a refusal for an error.
        readable=[*jail.readable_paths(plan), "/proc", "/dev/fd", "/sys/fs/cgroup"],
        writable=[place.folder, *devices, *shared],
    )
