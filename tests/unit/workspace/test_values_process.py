"""The values process answers like the server would, survives bad questions, and is started again when it died."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from flowapp.jsontext import dumps, loads
from flowapp.workspace.tree import PathMissing
from flowapp.workspace.values_process import BigValueFailed, BigValues, answer


@pytest.fixture
async def big() -> AsyncIterator[BigValues]:
    made = BigValues()
    yield made
    await made.close()


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    path = tmp_path / "value.zst"
    value = {"rows": [{"id": number, "big": 10**25} for number in range(1000)]}
    path.write_bytes(zstandard.ZstdCompressor().compress(dumps(value).encode()))
    return path


def node(*path: str | int, limit: int = 10) -> dict[str, Any]:
    return {"op": "node", "at": list(path), "offset": 0, "limit": limit, "q": ""}


async def ask(big: BigValues, blob: Path, request: dict[str, Any]) -> Any:
    return loads(b"".join([piece async for piece in big.ask(blob, request)]).decode())


async def test_answers_are_those_of_the_server(big: BigValues, blob: Path) -> None:
    value = loads(zstandard.ZstdDecompressor().decompress(blob.read_bytes()).decode())
    for request in (node("rows"), node("rows", 999, "big"), {"op": "sample", "at": ["rows"]}):
        here = loads(b"".join(answer(value, request)).decode())
        assert await ask(big, blob, request) == here


async def test_a_wrong_path_is_an_answer_not_an_end(big: BigValues, blob: Path) -> None:
    with pytest.raises(PathMissing):
        await ask(big, blob, node("nope"))
    assert (await ask(big, blob, node("rows")))["n"] == 1000


async def test_a_blob_that_is_gone_is_said(big: BigValues, blob: Path) -> None:
    with pytest.raises(BigValueFailed):
        await ask(big, blob.with_name("gone"), node())
    assert (await ask(big, blob, node("rows")))["n"] == 1000


async def test_a_killed_process_is_started_again(big: BigValues, blob: Path) -> None:
    await ask(big, blob, node())
    assert big._child is not None
    big._child.process.kill()
    await big._child.process.wait()
    assert (await ask(big, blob, node("rows")))["n"] == 1000


async def test_an_answer_that_is_not_read_to_its_end_disturbs_nobody(big: BigValues, blob: Path) -> None:
    request = {"op": "csv", "at": ["rows"], "view": {"sort": "", "query": "", "filters": {}, "offset": 0, "limit": 1}}
    pieces = big.ask(blob, request)
    assert (await anext(pieces)).startswith(b"id,big\r\n")
    await pieces.aclose()  # type: ignore[attr-defined] # it is an async generator
    assert json.loads(json.dumps(await ask(big, blob, node("rows", 0, "id"))))["v"] == 0


async def test_a_slow_reader_holds_nobody_up(big: BigValues, blob: Path) -> None:
    request = {"op": "csv", "at": ["rows"], "view": {"sort": "", "query": "", "filters": {}, "offset": 0, "limit": 1}}
    slow = big.ask(blob, request)
    first = await anext(slow)
    assert (await asyncio.wait_for(ask(big, blob, node("rows")), 20))["n"] == 1000
    rest = b"".join([piece async for piece in slow])
    assert (first + rest).count(b"\r\n") == 1001
