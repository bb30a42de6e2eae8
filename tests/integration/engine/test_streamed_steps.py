"""What a step streams: shown at once, kept apart from its log, a part of its result by Windmill's rule."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from flowapp.engine.remote import LeafId, RemoteLog
from flowapp.jsontext import JsonText, dumps
from flowapp.runtimes.jobs import Outcome
from flowapp.store import leaves
from flowapp.store.logs import stream_of
from flowapp.store.stores import Store
from flowapp.store.wiping import wipe_due
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step
from tests.integration.engine.made_server import Watching


async def kept(store: Store, run_id: str, path: str, attempt: int | None = None) -> tuple[str, str]:
    """The log and the stream of a step."""
    parts = [await store.logs.read(run_id, where, attempt=attempt) for where in (path, stream_of(path))]
    return parts[0].text, parts[1].text


async def talk(job: object, log: Any) -> Any:
    log("begins\nWM_STREAM: one, ")
    log("\nWM_STREAM: two\\nthree\n")
    log("ends\n")
    return None


async def test_a_stream_is_told_of_kept_and_becomes_the_result(tmp_path: Path) -> None:
    heard = Watching()
    async with server(tmp_path, FakeRuntimes({"talk": talk}), observer=heard) as made:
        row, result = await made.run(flow_of(step("a", "talk")))
        assert (row.status, result) == ("success", "one, two\nthree")
        assert await kept(made.store, row.id, "a") == ("begins\nends\n", "one, two\nthree")
    told = [event for event in heard.heard if event[0] in ("log", "stream")]
    assert told == [
        ("log", "a", "begins\n", 0),
        ("stream", "a", "one, ", 0),
        ("stream", "a", "two\nthree", 5),
        ("log", "a", "ends\n", 7),
    ]


async def test_an_object_gets_the_stream_and_the_next_step_sees_it(tmp_path: Path) -> None:
    async def more(job: object, log: Any) -> Any:
        log("WM_STREAM: half")
        return {"n": 1}

    async def echo(job: Any, log: Any) -> Any:
        return job.args

    async with server(tmp_path, FakeRuntimes({"more": more, "echo": echo})) as made:
        flow = flow_of(step("a", "more"), step("b", "echo", {"x": "results.a"}))
        row, result = await made.run(flow)
        assert row.status == "success"
        assert result == dumps({"x": {"n": 1, "wm_stream": "half"}})


async def test_it_is_stored_while_the_step_goes_on(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def slow(job: object, log: Any) -> Any:
        log("WM_STREAM: so far\n")
        await go_on.wait()
        return 1

    async with server(tmp_path, FakeRuntimes({"slow": slow})) as made:
        run = await made.create(flow_of(step("a", "slow")))
        await made.engine.start_run(run.id)
        async with asyncio.timeout(10):
            while (await kept(made.store, run.id, "a"))[1] != "so far":
                await asyncio.sleep(0.02)
        go_on.set()
        assert (await made.ended(run.id))[1] == 1


async def test_each_attempt_has_its_own(tmp_path: Path) -> None:
    tries: list[int] = []

    async def once_more(job: object, log: Any) -> Any:
        tries.append(1)
        log(f"WM_STREAM: try {len(tries)}\n")
        if len(tries) == 1:
            raise ValueError("no")

    retry = {"constant": {"attempts": 1, "seconds": 0}}
    async with server(tmp_path, FakeRuntimes({"once_more": once_more})) as made:
        row, result = await made.run(flow_of(step("a", "once_more", retry=retry)))
        assert (row.status, result) == ("success", "try 2")
        assert (await kept(made.store, row.id, "a", 1))[1] == "try 1"
        assert (await kept(made.store, row.id, "a"))[1] == "try 2"


async def test_what_was_streamed_stays_when_the_step_fails(tmp_path: Path) -> None:
    async def fails(job: object, log: Any) -> Any:
        log("WM_STREAM: nearly\n")
        raise ValueError("no")

    async with server(tmp_path, FakeRuntimes({"fails": fails})) as made:
        row, result = await made.run(flow_of(step("a", "fails")))
        assert (row.status, result["error"]["message"]) == ("failure", "no")
        assert (await kept(made.store, row.id, "a"))[1] == "nearly"


async def test_it_is_deleted_with_the_data_of_its_step(tmp_path: Path) -> None:
    async with server(tmp_path, FakeRuntimes({"talk": talk})) as made:
        row, _ = await made.run(flow_of(step("a", "talk", delete_after_use=True), step("b", "talk")))
        await wipe_due(made.store)
        assert await kept(made.store, row.id, "a") == ("", "")
        assert await kept(made.store, row.id, "b") == ("begins\nends\n", "one, two\nthree")


async def test_a_stream_that_was_cut_says_so(tmp_path: Path) -> None:
    async def much(job: object, log: Any) -> Any:
        log("WM_STREAM: much\n")
        return Outcome(dumps(None), None, 1.0, "fake", log_truncated=True)

    async with server(tmp_path, FakeRuntimes({"much": much})) as made:
        row, result = await made.run(flow_of(step("a", "much")))
        assert result == "much\n… cut: of what the step streams and prints, the first 8.4 MB are kept."
        assert (await kept(made.store, row.id, "a"))[1] == result


async def test_what_a_killed_execution_streamed_goes_when_its_repeat_streams_nothing(
    tmp_path: Path, store_url: str
) -> None:
    async def dies(job: object, log: Any) -> Any:
        log("begins\nWM_STREAM: of a dead one\n")
        await asyncio.Event().wait()

    async with server(tmp_path, FakeRuntimes({"talk": dies}), store_url) as made:
        run = await made.create(flow_of(step("a", "talk")))
        await made.engine.start_run(run.id)
        async with asyncio.timeout(10):
            while (await kept(made.store, run.id, "a"))[1] != "of a dead one":
                await asyncio.sleep(0.02)
    async with server(tmp_path, FakeRuntimes({"talk": lambda *_: 1}), store_url) as made:
        row, result = await asyncio.wait_for(made.ended(run.id), 60)
        assert (row.status, result) == ("success", 1)
        assert (await kept(made.store, run.id, "a"))[1] == ""


async def test_so_it_does_where_a_worker_repeats_it(tmp_path: Path, store_url: str) -> None:
    async with server(tmp_path, FakeRuntimes({}), store_url) as made:
        run = await made.create(flow_of(step("a", "talk")))
        place = (run.id, "a", 1)
        await made.store.database.write(lambda c: leaves.add(c, *place, "gpu", JsonText("{}")))
        await made.store.database.write(lambda c: leaves.log(c, *place, stream_of("a"), 0, "of a dead one"))
        row = await made.store.runs.get(run.id)
        assert row is not None
        printing = RemoteLog(made.store, row, LeafId(*place), None)
        await printing.begins()
        assert (await kept(made.store, run.id, "a"))[1] == ""
        printing.stream("of this one", first=True)
        await printing.close()
        assert (await kept(made.store, run.id, "a"))[1] == "of this one"
        # whoever was given up and comes later changes nothing
        await made.store.database.write(lambda c: leaves.finish(c, *place, JsonText("{}"), "other"))
        await printing.begins()
        assert (await kept(made.store, run.id, "a"))[1] == "of this one"
