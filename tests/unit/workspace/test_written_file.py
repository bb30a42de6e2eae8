"""A stored file that a job writes piece by piece, into a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from pathlib import Path

import pytest

from flowapp.runtimes.errors import ResultRefused
from flowapp.store.errors import ObjectsAway
from flowapp.store.objects import Folder
from flowapp.workspace.objects import Target
from flowapp.workspace.written_file import WrittenFile

PIECE = b"x" * 1_000_000


def written(tmp_path: Path, told: list[str] | None = None) -> WrittenFile:
    async def note(action: str) -> None:
        if told is not None:
            told.append(action)

    return WrittenFile(Target(Folder(tmp_path), "a/b.csv", note), {"s3": "a/b.csv"})


def files(tmp_path: Path) -> list[str]:
    return [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]


async def test_it_is_there_when_it_is_finished(tmp_path: Path) -> None:
    told: list[str] = []
    file = written(tmp_path, told)
    for _ in range(20):
        await file.write(PIECE)
    assert files(tmp_path) != ["a/b.csv"]
    assert await file.finish() == '{"s3":"a/b.csv"}'
    assert (tmp_path / "a/b.csv").stat().st_size == 20_000_000
    assert told == ["object.write"]


async def test_an_empty_one_is_one_too(tmp_path: Path) -> None:
    await written(tmp_path).finish()
    assert (tmp_path / "a/b.csv").read_bytes() == b""


@pytest.mark.parametrize("pieces", [0, 1, 20])
async def test_dropped_before_its_end_there_is_none(tmp_path: Path, pieces: int) -> None:
    file = written(tmp_path)
    for _ in range(pieces):
        await file.write(PIECE)
    await file.discard()
    assert files(tmp_path) == []


async def test_dropped_after_its_end_it_is_taken_away(tmp_path: Path) -> None:
    told: list[str] = []
    file = written(tmp_path, told)
    await file.write(PIECE)
    await file.finish()
    await file.discard()
    assert files(tmp_path) == []
    assert told == ["object.write", "object.delete"]


async def test_a_storage_that_gives_up_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill(_: Target, chunks: AsyncIterable[bytes], media_type: str = "") -> str:
        async for _piece in chunks:
            raise ObjectsAway("The storage of files does not do that: it is full.", "")
        return ""

    monkeypatch.setattr(Target, "fill", fill)
    file = written(tmp_path)
    async with asyncio.timeout(10):
        with pytest.raises(ResultRefused, match="it is full"):
            while True:
                await file.write(PIECE)
        await file.discard()
