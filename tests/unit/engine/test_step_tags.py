"""Which tag a script runs with: the run's, its flow's, its step's or that of the stored script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from flowapp.engine.interpreter import Started
from flowapp.engine.values import StoredScript
from tests.unit.engine.fakes import World, for_loop, script

CALL = {"id": "c", "value": {"type": "flow", "path": "f/x/y", "input_transforms": {}}}


@dataclass
class Tagged(World):
    """Stored scripts have a tag of their own."""

    async def script(self, path: str, hash: str | None) -> StoredScript:
        return replace(await super().script(path, hash), tag="stored")


def world(flow: str = "", run: str = "") -> Tagged:
    return Tagged(
        {"one": lambda: 1},
        scripts={"f/x/one": "one"},
        document={"tag": flow} if flow else {},
        started=Started(at="then", tag=run),
    )


def inline(tag: str | None = None) -> dict[str, Any]:
    made = script("one")
    return made if tag is None else {**made, "value": {**made["value"], "tag": tag}}


def by_path(override: str | None = None) -> dict[str, Any]:
    value = {"type": "script", "path": "f/x/one", "input_transforms": {}}
    return {"id": "s", "value": value if override is None else {**value, "tag_override": override}}


@pytest.mark.parametrize(
    ("flow", "preserve", "step", "tag"),
    [
        # without a tag of the flow, whatever it says of those of its steps
        ("", False, inline(), ""),
        ("", False, inline("gpu"), "gpu"),
        ("", True, inline("gpu"), "gpu"),
        ("", False, inline(""), ""),
        ("", False, by_path(), "stored"),
        ("", False, by_path("other"), "other"),
        ("", False, by_path(""), "stored"),
        # the flow's tag overrides them all
        ("big", False, inline(), "big"),
        ("big", False, inline("gpu"), "big"),
        ("big", False, by_path(), "big"),
        ("big", False, by_path("other"), "big"),
        # unless they keep theirs, which those without one cannot
        ("big", True, inline(), "big"),
        ("big", True, inline(""), "big"),
        ("big", True, inline("gpu"), "gpu"),
        ("big", True, by_path(), "stored"),
        ("big", True, by_path("other"), "other"),
    ],
)
async def test_the_tag_of_a_step(flow: str, preserve: bool, step: dict[str, Any], tag: str) -> None:
    for run_tag, flow_tag in {("", flow), (flow, "")}:  # asked for at the start, or the document says it
        made = world(flow_tag, run_tag)
        assert not (await made.run([step], preserve_step_tags=preserve)).failed
        assert [call.tag for call in made.leaf_calls] == [tag]


@pytest.mark.parametrize(("preserve", "tags"), [(False, ["big", "big"]), (True, ["gpu", "big"])])
async def test_steps_inside_of_others_go_by_the_same_rules(preserve: bool, tags: list[str]) -> None:
    made = world("big")
    await made.run([for_loop("l", [1], {**inline("gpu"), "id": "a"}, inline())], preserve_step_tags=preserve)
    assert [call.tag for call in made.leaf_calls] == tags


async def test_a_run_that_was_started_with_a_tag_has_that_one() -> None:
    made = world("big", "asked")
    await made.run([inline("gpu")])
    assert [call.tag for call in made.leaf_calls] == ["asked"]


@pytest.mark.parametrize(
    ("run", "own", "preserve", "tag"),
    [
        ("", "", False, "gpu"),
        ("", "inner", False, "inner"),
        ("", "inner", True, "gpu"),
        ("outer", "inner", False, "outer"),
        ("outer", "", False, "outer"),
        ("outer", "inner", True, "gpu"),
    ],
)
async def test_steps_of_a_called_flow(run: str, own: str, preserve: bool, tag: str) -> None:
    """The tag of the run goes before that of the flow that is called, whose own word on its steps' tags counts."""
    made = world(run=run)
    value = {"modules": [inline("gpu")], "preserve_step_tags": preserve}
    made.flows["f/x/y"] = [{"summary": "", "tag": own, "value": value}]
    assert not (await made.run([CALL])).failed
    assert [call.tag for call in made.leaf_calls] == [tag]
