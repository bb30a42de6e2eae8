"""How servers name the segment that another one is to begin where a run's shared folder is: each need once, each loss anew."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flowapp.engine.places import ManyPlaces
from flowapp.store.executors import Executor
from flowapp.store.tables import RunRow


class Told:
    """What the cluster is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def tell_home(self, run: RunRow, home: str, call: str) -> None:
        self.calls.append(call)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ManyPlaces, Told, RunRow]:
    run = cast(RunRow, SimpleNamespace(id="r", segment=2, owner="one/a", kind="flow", tag="", priority=0))

    async def get(_run_id: str) -> RunRow:
        return run

    async def home(_run: RunRow) -> str:
        return "@elsewhere"

    store: Any = SimpleNamespace(home=tmp_path, runs=SimpleNamespace(get=get), events=None, database=None)
    me = Executor("me", "server", "host", ("default",), "")
    made = ManyPlaces(store, "postgresql://nowhere", cast(Any, None), me)
    told = Told()
    monkeypatch.setattr(made, "_cluster", told)
    monkeypatch.setattr(made, "_home", home)
    return made, told, run


async def test_whoever_asks_for_the_same_need_names_it_the_same(places: tuple[ManyPlaces, Told, RunRow]) -> None:
    made, told, run = places
    await made.begin(run)
    await made.begin(run)
    assert len(set(told.calls)) == 1
    run.owner = "two/b"  # it was begun, and its process is gone
    await made.begin(run)
    assert len(set(told.calls)) == 2


async def test_what_was_left_to_another_twice_is_begun_there_twice(places: tuple[ManyPlaces, Told, RunRow]) -> None:
    made, told, _ = places
    assert await made._handed_on("r") is True
    assert await made._handed_on("r") is True
    assert len(set(told.calls)) == 2
