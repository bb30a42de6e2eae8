"""A large result on the server's side: nothing that a process sends becomes text unless it is whole JSON values."""

from __future__ import annotations

import json

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes.guest.frames import FILE, ITEMS, LIST, LIST_END
from flowapp.runtimes.jobs import Job, Limits
from flowapp.runtimes.large import Broken, LargeResult, parts_of


class Memory:
    def __init__(self) -> None:
        self.text = b""
        self.discarded = False

    def write(self, piece: bytes) -> None:
        self.text += piece

    async def finish(self) -> JsonText:
        return JsonText(self.text.decode())

    def discard(self) -> None:
        self.discarded = True


async def test_lists_of_lists() -> None:
    large = LargeResult(Memory, 1000)
    assert not large.begun
    for part in (
        (LIST, b""),
        (LIST, b""),
        (ITEMS, b'{"a":1},[2]'),
        (ITEMS, b"3"),
        (LIST_END, b""),
        (ITEMS, b"4"),
        (LIST, b""),
        (LIST_END, b""),
        (LIST_END, b""),
    ):
        await large.take(*part)
    assert json.loads(await large.finish()) == [[{"a": 1}, [2], 3], 4, []]


@pytest.mark.parametrize(
    "body", [b"", b" ", b"1],[2", b"1]", b"{", b"1,", b",1", b"NaN", b'"\xff"', b"]", b'{"a":1}{"a":1}']
)
async def test_a_part_that_is_not_whole_values_is_refused(body: bytes) -> None:
    writer = Memory()
    large = LargeResult(lambda: writer, 1000)
    await large.take(LIST, b"")
    with pytest.raises(Broken):
        await large.take(ITEMS, body)
    assert writer.text == b"["


async def test_a_result_without_its_end_is_none() -> None:
    writer = Memory()
    large = LargeResult(lambda: writer, 1000)
    await large.take(LIST, b"")
    await large.take(ITEMS, b"1")
    with pytest.raises(Broken):
        await large.finish()
    await large.close(kept=False)
    assert writer.discarded


async def test_more_than_was_agreed_on_is_refused() -> None:
    large = LargeResult(Memory, 10)
    await large.take(LIST, b"")
    with pytest.raises(Broken):
        await large.take(ITEMS, b'"0123456789"')


class File:
    """A file in memory."""

    def __init__(self) -> None:
        self.content, self.dropped = b"", False

    async def write(self, piece: bytes) -> None:
        self.content += piece

    async def finish(self) -> JsonText:
        return JsonText('{"s3":"x"}')

    async def discard(self) -> None:
        self.dropped = True


async def test_a_file_is_any_bytes_up_to_its_bound() -> None:
    file = File()
    job = Job("j", "sqlite", "", JsonText("{}"), limits=Limits(file_bytes=6), large=Memory, file=lambda: file)
    parts = parts_of(job)
    assert parts is not None and parts.begun, "an empty file is one too"
    assert parts.kinds == FILE, "rows of a result do not come beside it"
    await parts.take(FILE, b"\xff]{")
    await parts.take(FILE, b"abc")
    with pytest.raises(Broken):
        await parts.take(FILE, b"d")
    assert file.content == b"\xff]{abc"
    await parts.close(kept=False)
    assert file.dropped
    assert await parts.finish() == '{"s3":"x"}'


def test_a_job_that_makes_none_sends_none() -> None:
    parts = parts_of(Job("j", "sqlite", "", JsonText("{}"), large=Memory))
    assert parts is not None and FILE not in parts.kinds
    assert parts_of(Job("j", "sqlite", "", JsonText("{}"))) is None
