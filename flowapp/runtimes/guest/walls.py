"""The launcher's own way behind the walls: its namespaces and file tree, and which locks this kernel has for jobs."""

from __future__ import annotations

import os
import socket

from flowapp.runtimes.guest import jail, kernel, landlock, sandbox, seccomp
from flowapp.runtimes.guest.plan import NONE, USER, Plan


def build(plan: Plan, control: socket.socket) -> sandbox.Locks:
    """Enter the launcher's own namespaces and find out which locks this kernel has, by using them."""
    if plan.level == USER:
        uid, gid = os.getuid(), os.getgid()
        kernel.unshare(kernel.CLONE_NEWUSER)
        kernel.map_own_user(uid, gid)
        kernel.die_with_parent()  # a change of credentials clears it
        _move_into_own_pid_namespace(control)
    below_tmp: tuple[str, ...] = ()
    if plan.has_namespaces:
        kernel.unshare(kernel.CLONE_NEWNS)
        below_tmp = tuple(jail.below_tmp(plan))
        jail.build(plan)
    else:
        kernel.adopt_orphans()
    if plan.level != USER:
        # Here once for all jobs, where none of them enters a user namespace. Only what an exec would give is lost, and we call none.
        kernel.drop_bounding_set()
    has_landlock = plan.level != NONE and landlock.abi() > 0
    return sandbox.Locks(has_landlock, _working_filter(plan), below_tmp)


def _move_into_own_pid_namespace(control: socket.socket) -> None:
    """Go on as a child in a process namespace that belongs to our user namespace; the parent only waits.

    Coming back after making a job's process namespace (`zygotes.fork_job`) needs rights over the one we come back to.
    """
    kernel.unshare(kernel.CLONE_NEWPID)
    pid = os.fork()
    if pid != 0:
        control.close()
        os.waitpid(pid, 0)
        os._exit(0)
    kernel.die_with_parent()


def _working_filter(plan: Plan) -> bytes | None:
    own_user = plan.first_uid is not None
    protected = () if plan.has_namespaces or own_user else (*plan.protected, os.getpid())
    own_tree = plan.has_namespaces or plan.level == NONE
    given = seccomp.Given(own_tree=own_tree, own_user=own_user, network=plan.network, processors=not plan.cpus)
    program = seccomp.build(protected, given)
    pid = os.fork()
    if pid == 0:
        try:
            kernel.no_new_privileges()
            seccomp.apply(program)
        except OSError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return program if status == 0 else None
