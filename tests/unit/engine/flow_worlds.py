"""Worlds for flows whose steps are names: one that fails always, and one that fails a few times."""

from __future__ import annotations

from typing import Any

from tests.unit.engine.fakes import Failing, World


def boom(**_: Any) -> None:
    raise Failing("ValueError", "bad thing")


def world(**leaves: Any) -> World:
    return World(
        {"one": lambda: 1, "two": lambda: 2, "echo": lambda x: x, "boom": boom, "inc": lambda x: x + 1, **leaves}
    )


# --- retry, sleep, timeout


def flaky(times: int) -> Any:
    left = [times]

    def leaf() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise Failing("Flaky", str(left[0]))
        return "done"

    return leaf
