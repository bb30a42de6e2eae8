"""What jobs stream as their result, as who follows them reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowapp.store.logs import stream_of
from flowapp.store.runs import job_id
from tests.integration.api.api_jobs import W, deployed, got, started, stored_script
from tests.integration.api.api_server import Server

IDENTITY = {"type": "identity"}


async def streamed(server: Server, job: str, path: str, offset: int, text: str, attempt: int = 1) -> None:
    store = server.workspace.store
    await store.database.write(lambda c: store.logs.append(c, job, stream_of(path), attempt, offset, text, "test"))


async def update(server: Server, job: str, **query: Any) -> dict[str, Any]:
    found = await got(server, f"jobs_u/getupdate/{job}?" + "&".join(f"{k}={v}" for k, v in query.items()))
    assert isinstance(found, dict)
    return found


async def held_script(server: Server) -> str:
    digest = await stored_script(server)
    server.engine.hold = True
    job = await started(server, f"run/h/{digest}")
    await server.engine.begin(job, "a")
    return job


class TestOfAScript:
    async def test_it_comes_by_offsets_in_utf_16(self, server: Server) -> None:
        job = await held_script(server)
        quiet = await update(server, job, running="true")
        assert quiet["stream_offset"] == 0 and "new_result_stream" not in quiet
        await streamed(server, job, "a", 0, "a😀b")
        first = await update(server, job, running="true")
        assert (first["new_result_stream"], first["stream_offset"]) == ("a😀b", 4)
        assert "flow_stream_job_id" not in first
        await streamed(server, job, "a", 3, "c")
        for offset, rest in ((1, "😀bc"), (3, "bc"), (4, "c")):
            found = await update(server, job, running="true", stream_offset=offset)
            assert (found["new_result_stream"], found["stream_offset"]) == (rest, 5), offset
        over = await update(server, job, running="true", stream_offset=5)
        assert over["stream_offset"] == 5 and "new_result_stream" not in over

    async def test_it_is_apart_from_the_log(self, server: Server) -> None:
        job = await held_script(server)
        store = server.workspace.store
        await store.database.write(lambda c: store.logs.append(c, job, "a", 1, 0, "printed\n", "test"))
        await streamed(server, job, "a", 0, "streamed")
        found = await update(server, job, running="true", no_logs="true")
        assert (found["new_logs"], found["log_offset"], found["new_result_stream"]) == (None, 0, "streamed")
        found = await update(server, job, running="true", stream_offset=8)
        assert (found["new_logs"], found["log_offset"], found["stream_offset"]) == ("printed\n", 8, 8)
        logs = await server.client.get(f"{W}/jobs_u/get_logs/{job}")
        assert logs.text == "printed\n"

    async def test_the_next_attempt_streams_anew(self, server: Server) -> None:
        job = await held_script(server)
        await streamed(server, job, "a", 0, "first try")
        assert (await update(server, job))["stream_offset"] == 9
        await streamed(server, job, "a", 0, "2nd", attempt=2)
        found = await update(server, job, stream_offset=9)
        assert (found["new_result_stream"], found["stream_offset"]) == ("2nd", 3)

    async def test_events_end_with_the_result(self, server: Server) -> None:
        job = await held_script(server)
        await streamed(server, job, "a", 0, "all of it")
        server.engine.answers = {"a": "all of it"}
        await server.engine.finish(job, ["a"])
        text = (await server.client.get(f"{W}/jobs_u/getupdate_sse/{job}?only_result=true&stream_offset=4")).text
        last = json.loads(text.split("\n\n")[-2].removeprefix("data: "))
        assert (last["completed"], last["only_result"]) == (True, "all of it")
        assert (last["new_result_stream"], last["stream_offset"]) == ("of it", 9)

    async def test_a_page_reads_it_in_pages(self, server: Server) -> None:
        job = await held_script(server)
        await streamed(server, job, "a", 0, "some text")
        assert await got(server, f"runs/{job}/logs?path=a&stream=true&offset=5") == {
            "text": "text",
            "next": 9,
            "done": False,
        }
        assert (await got(server, f"runs/{job}/logs?path=a"))["text"] == ""


class TestOfAFlow:
    async def test_it_is_that_of_its_last_step(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        await server.engine.begin(job, "a")
        await streamed(server, job, "a", 0, "not the last")
        found = await update(server, job, running="true")
        assert "new_result_stream" not in found and "flow_stream_job_id" not in found
        assert "stream_job" not in found["flow_status"]
        await streamed(server, job, "b", 0, "the last")
        found = await update(server, job, running="true")
        assert (found["new_result_stream"], found["stream_offset"]) == ("the last", 8)
        assert found["flow_stream_job_id"] == found["flow_status"]["stream_job"] == job_id(job, "b")
        assert (await update(server, job_id(job, "a"), running="true"))["new_result_stream"] == "not the last"
        assert (await got(server, f"jobs_u/get/{job}"))["flow_status"]["stream_job"] == job_id(job, "b")

    async def test_what_has_streamed_is_looked_for_once_in_a_look(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        await server.engine.begin(job, "b")
        await streamed(server, job, "b", 0, "the last")
        logs, looks = server.workspace.store.logs, []

        async def counted(run_id: str) -> list[str]:
            looks.append(run_id)
            return ["b"]

        monkeypatch.setattr(logs, "streams", counted)
        found = await update(server, job)
        assert (found["new_result_stream"], found["flow_status"]["stream_job"]) == ("the last", job_id(job, "b"))
        assert looks == [job]

    async def test_who_may_not_see_the_run_sees_no_stream(self, server: Server) -> None:
        job = await held_script(server)
        await streamed(server, job, "a", 0, "mine")
        stranger = await server.person("eve", "viewer", "other")
        for where in (f"jobs_u/getupdate/{job}", f"jobs_u/getupdate_sse/{job}", f"runs/{job}/logs?path=a&stream=true"):
            answer = await stranger.get(f"{W}/{where}")
            assert answer.status_code == 404 and "mine" not in answer.text
