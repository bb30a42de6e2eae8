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
