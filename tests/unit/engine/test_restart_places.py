"""Where a run may begin again: what is kept of containers, and places that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.engine import restart
from flowapp.engine.restart import Restart, RestartRefused
from flowapp.engine.values import CalledFlow
from flowapp.jsontext import dumps
from flowapp.store.tables import JobRow

STEP = {"id": "s", "value": {"type": "identity"}}
LOOP = {"id": "l", "value": {"type": "forloopflow", "modules": [STEP]}}
ONE = {"id": "o", "value": {"type": "branchone", "branches": [{"modules": [STEP]}], "default": []}}
ALL = {"id": "all", "value": {"type": "branchall", "branches": [{"modules": []}, {"modules": [STEP]}]}}


def row(path: str, **meta: Any) -> JobRow:
    named: dict[str, Any] = {"run_id": "r", "workspace": "main", "step_id": path.rpartition(".")[2], "kind": "identity"}
    return JobRow(**named, path=path, id=path, status="success", ended_at="2026-01-01T00:00:00Z", meta=dumps(meta))


async def kept(module: dict[str, Any], rows: list[JobRow], place: Restart) -> list[str]:
    async def called(path: str, version: int | None) -> CalledFlow:
        raise AssertionError

    found = await restart.kept(rows, {"value": {"modules": [module]}}, place, called)
    return [each.path for each in found.finished]


async def test_iterations_before_the_one_are_kept() -> None:
    rows = [row("l"), *(row(f"l[{number}].s") for number in range(12)), row("l[10].s[3].t")]
    assert await kept(LOOP, rows, Restart("r", "l", 2)) == ["l[0].s", "l[1].s"]
    assert await kept(LOOP, rows, Restart("r", "l", 11)) == [
        *(f"l[{number}].s" for number in range(11)),
        "l[10].s[3].t",
    ]
    assert await kept(LOOP, rows, Restart("r", "l", 2, Restart("r", "s"))) == ["l[0].s", "l[1].s"]


@pytest.mark.parametrize("number", [2, 10**12, 10**40])
async def test_a_loop_has_no_more_iterations_than_it_had(number: int) -> None:
    with pytest.raises(RestartRefused, match=f"l has only 1 iterations or branches to keep, not {number}"):
        await kept(LOOP, [row("l"), row("l[0].s")], Restart("r", "l", number))


async def test_an_empty_branch_is_kept_as_nothing() -> None:
    assert await kept(ALL, [row("all"), row("all[1].s")], Restart("r", "all", 1)) == []


@pytest.mark.parametrize("number", [2, 10**12])
async def test_a_branch_that_the_flow_does_not_have_is_refused(number: int) -> None:
    with pytest.raises(RestartRefused, match=f"all has no branch {number}: it has 2"):
        await kept(ALL, [row("all"), row("all[1].s")], Restart("r", "all", number))


async def test_a_taken_branch_that_a_newer_version_does_not_have_is_refused() -> None:
    with pytest.raises(RestartRefused, match="has no branch 1 of o any more"):
        await kept(ONE, [row("o", branch=1), row("o[1].s")], Restart("r", "o", nested=Restart("r", "s")))


def identity(name: str) -> dict[str, Any]:
    return {**STEP, "id": name}


def branches(kind: str, *steps: str) -> dict[str, Any]:
    """A container `x` whose branches have the steps of these words."""
    found = [{"modules": [identity(name) for name in each.split()]} for each in steps]
    return {"id": "x", "value": {"type": kind, "branches": found, "default": []}}


#: What ran of three branches: `a c`, `b` and `d`, which holds others.
RAN = ["x", "x[0].a", "x[0].c", "x[1].b", "x[2].d", "x[2].d[0].e"]


@pytest.mark.parametrize(
    ("newer", "number", "which"),
    [
        (("b", "a c", "d"), 1, 0),
        (("a c", "d", "b"), 2, 1),
        (("d", "a c"), 1, 0),
        (("new", "a c", "b", "d"), 1, 0),
        (("a b", "c", "d"), 1, 0),
        (("a c", "b c", "d"), 2, 1),
        (("", "a c", "b"), 2, 1),
    ],
)
async def test_a_branch_that_stands_elsewhere_in_a_newer_version_is_not_kept_by_its_number(
    newer: tuple[str, ...], number: int, which: int
) -> None:
    """Its steps would run again, or for another branch."""
    with pytest.raises(RestartRefused, match=f"branch {which} of x is not the one that ran there"):
        await kept(branches("branchall", *newer), [row(path) for path in RAN], Restart("r", "x", number))


@pytest.mark.parametrize(
    ("newer", "number", "stays"),
    [
        (("a c", "b", "d"), 2, RAN[1:4]),
        (("a c", "d", "b"), 1, RAN[1:3]),
        (("a new", "b"), 1, RAN[1:3]),
        (("a new c", "b"), 1, RAN[1:3]),
        (("c", "b"), 1, RAN[1:3]),
        (("", "b"), 1, RAN[1:3]),
        (("a c", "b", "d", "new"), 3, RAN[1:]),
        (("b", "a c"), 0, []),
    ],
)
async def test_branches_that_stand_where_they_ran_are_kept(
    newer: tuple[str, ...], number: int, stays: list[str]
) -> None:
    assert await kept(branches("branchall", *newer), [row(path) for path in RAN], Restart("r", "x", number)) == stays


async def test_the_branch_that_was_taken_is_not_another_one_in_a_newer_version() -> None:
    rows = [row("x", branch=1), row("x[1].b")]
    inside = Restart("r", "x", nested=Restart("r", "new"))
    assert await kept(branches("branchone", "a", "b new"), rows, inside) == ["x[1].b"]
    for newer in (("b", "a new"), ("b", "new"), ("a b", "c new")):
        with pytest.raises(RestartRefused, match="branch 1 of x is not the one that ran there"):
            await kept(branches("branchone", *newer), rows, inside)
