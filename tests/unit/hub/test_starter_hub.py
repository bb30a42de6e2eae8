"""The scripts that come along: each can be found, and its schema says what its code says. They are run in integration."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flowapp.hub import FolderHub, HubEntry, HubPath
from flowapp.hub.hub import STARTER
from flowapp.jsontext import loads
from flowapp.signatures.inference import infer
from flowapp.signatures.schema import Signature

HUB = FolderHub(STARTER, "the starter hub")
ENTRIES = asyncio.run(HUB.entries())


def test_there_are_some_and_their_ids_are_their_own() -> None:
    assert len(ENTRIES) >= 10
    assert len({entry.version for entry in ENTRIES}) == len(ENTRIES)
    assert {file.suffix for file in STARTER.rglob("*") if file.is_file()} == {".py", ".ts", ".sh", ".yaml"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry.path))
async def test_its_schema_is_what_the_code_says(entry: HubEntry) -> None:
    script = await HUB.script(HubPath.parse(entry.path))
    assert script is not None
    assert entry.summary
    assert script.schema is not None
    told: dict[str, Any] = loads(script.schema)
    found = infer(script.language, script.content)
    assert isinstance(found, Signature), found
    assert list(told["properties"]) == told["order"] == list(found.schema["properties"])
    assert sorted(told["required"]) == sorted(found.schema["required"])
    for name, field in found.schema["properties"].items():
        about = told["properties"][name]
        assert about.get("type") == field.get("type"), name
        assert about.get("default") == field.get("default"), name
        assert about.get("enum") == field.get("enum"), name
