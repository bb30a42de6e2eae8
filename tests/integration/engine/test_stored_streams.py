"""What a step streams is stored whole and in order, whichever of its writes takes long, and is told anew by who repeats it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from flowapp.engine.printing import CHUNK
from flowapp.engine.remote import LeafId, RemoteLog
from flowapp.jsontext import JsonText
from flowapp.store import leaves
from flowapp.store.logs import stream_of
from flowapp.store.stores import Store
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step
from tests.integration.engine.made_server import Watching

LONG = "a" * CHUNK
END = ", the end"


async def kept(store: Store, run_id: str) -> str:
    """The stream of the step, as far as there is no gap in it."""
    return (await store.logs.read(run_id, stream_of("a"))).text


class Slow:
    """A database whose next write is handed over late: after what is `ahead` of it, unless that waits for it."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.next = False
        self.begun, self.done = asyncio.Event(), asyncio.Event()
        self.ahead: asyncio.Future[asyncio.Task[Any]] = asyncio.get_running_loop().create_future()
        self._write = store.database.write
        monkeypatch.setattr(store.database, "write", self.write)

    async def write(self, work: Callable[[Connection], Any]) -> Any:
        if not self.next:
            return await self._write(work)
        self.next = False
        self.begun.set()
        try:
            await asyncio.wait({await self.ahead}, timeout=0.3)
            return await self._write(work)
        finally:
            self.done.set()


async def test_a_late_first_piece_deletes_nothing_that_follows(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(job: object, log: Any) -> Any:
        slow.next = True
        log(f"WM_STREAM: {LONG}\n")
        await slow.begun.wait()
        log(f"WM_STREAM: {END}\n")

    async with server(tmp_path, FakeRuntimes({"talk": talk}), store_url) as made:
        slow = Slow(made.store, monkeypatch)
        run = await made.create(flow_of(step("a", "talk")))
        ended = asyncio.create_task(made.ended(run.id))
        slow.ahead.set_result(ended)
        await made.engine.start_run(run.id)
        row, result = await ended
        await slow.done.wait()
        assert (row.status, result) == ("success", LONG + END)
        assert await kept(made.store, run.id) == LONG + END


@asynccontextmanager
async def remote(
    home: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Store, str, RemoteLog, Watching, Slow]]:
    """A script that runs here for another machine."""
    watching = Watching()
    async with server(home, FakeRuntimes({}), url) as made:
        run = await made.create(flow_of(step("a", "talk")))
        place = (run.id, "a", 1)
        await made.store.database.write(lambda c: leaves.add(c, *place, "gpu", JsonText("{}")))
        log = RemoteLog(made.store, run, LeafId(*place), watching)
        yield made.store, run.id, log, watching, Slow(made.store, monkeypatch)


async def test_so_it_is_where_a_worker_runs_it(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with remote(tmp_path, store_url, monkeypatch) as (store, run_id, log, _, slow):
        slow.next = True
        log.stream(LONG, first=True)
        await asyncio.wait_for(slow.begun.wait(), 60)
        log.stream(END)
        ahead = asyncio.create_task(log.close())
        slow.ahead.set_result(ahead)
        await ahead
        await slow.done.wait()
        assert await kept(store, run_id) == LONG + END


async def test_a_worker_that_repeats_a_script_tells_its_stream_from_the_beginning(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with remote(tmp_path, store_url, monkeypatch) as (store, run_id, log, watching, _):
        await log.begins()
        log.stream("of the first time", first=True)
        log.log("printed\n")
        await log.begins()  # the database was away, and what had been read of the script is lost
        log.stream("again", first=True)
        log.stream(" and on")
        log.log("printed\n")
        await log.close()
        told = [event[2:] for event in watching.heard if event[0] == "stream"]
        assert told == [("of the first time", 0), ("again", 0), (" and on", 5)]
        assert await kept(store, run_id) == "again and on"
        assert (await store.logs.length(run_id, stream_of("a"), 1)) == len("again and on")
        assert (await store.logs.read(run_id, "a")).text == "printed\nprinted\n"


async def test_nothing_of_the_first_time_stays_where_the_repeat_streams_nothing(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with remote(tmp_path, store_url, monkeypatch) as (store, run_id, log, _, slow):
        slow.next = True
        log.stream(LONG, first=True)
        await asyncio.wait_for(slow.begun.wait(), 60)
        log.stream("not stored yet")
        ahead = asyncio.create_task(log.begins())
        slow.ahead.set_result(ahead)
        await ahead
        await slow.done.wait()
        await log.close()
        assert await kept(store, run_id) == ""
