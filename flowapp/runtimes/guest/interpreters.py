"""Which files an interpreter consists of: what must be readable to jobs, wherever it is installed."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from flowapp.runtimes.guest.plan import Plan
from flowapp.runtimes.guest.typescript_cell import WRAPPER

#: of an installation prefix only these, so that a data folder beside them stays out of sight
_PARTS = ("bin", "lib", "lib64", "libexec", "pyvenv.cfg")


def added_to(plan: Plan) -> Plan:
    """The plan with this Python, its environment, Deno and Bun among the readable paths."""
    prefixes = dict.fromkeys(
        (sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix))
    )
    parts = [os.path.join(prefix, part) for prefix in prefixes if not _is_system(prefix) for part in _PARTS]
    deno = [plan.deno, os.path.realpath(plan.deno)] if plan.deno else []
    # Its folder, so that a Bun which is installed later is seen too.
    bun = [os.path.dirname(path) for path in (plan.bun, os.path.realpath(plan.bun))] if plan.bun else []
    drivers = [plan.drivers, os.path.realpath(plan.drivers)] if plan.drivers else []
    readable = tuple(dict.fromkeys((*plan.readable, *parts, *deno, *bun, *drivers, WRAPPER)))
    return replace(plan, readable=readable, wrapper=WRAPPER)


def _is_system(prefix: str) -> bool:
    return prefix == "/usr" or prefix.startswith("/usr/")
