"""Running cells and flows over HTTP: states, records, outputs, paging, files, events."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from flowapp.jsontext import dumps
from flowapp.store.events import Event
from flowapp.workspace import streams
from tests.integration.api.api_cells import cells, ids, kinds
from tests.integration.api.api_server import CHAIN, Server


class TestRunCells:
    async def test_ancestors_without_a_result_run_first(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": [7], "b": 1}
        started = await server.run(draft, cell["b"])
        assert started["plan"] == {"run": [cell["a"], cell["b"]], "given": []}
        assert await kinds(server, draft) == {"a": "fresh", "b": "fresh"}
        again = await server.run(draft, cell["b"])
        assert again["plan"] == {"run": [cell["b"]], "given": ["a"]}
        assert again["run_number"] == started["run_number"] + 1

    async def test_the_snapshot_has_the_outputs_after_a_restart(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": [7], "b": 1}
        await server.run(draft, cell["b"])
        server.workspace.drafts._drafts.forget(draft)
        after = await cells(server, draft)
        assert after["a"]["output"]["title_text"] == "1 item"
        assert after["a"]["output"]["logs"] == {"lines": 1, "tail": "log of a\n", "size": 9}
        assert after["b"]["state"]["kind"] == "fresh"

    async def test_flushed_edits_are_saved_with_the_run(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        edit = {"op": "set_code", "cell": cell["a"], "code": "def main(n): return 'new'"}
        started = await server.run(draft, cell["a"], ops=[edit])
        assert started["change"]["version"] == 2
        run = await server.workspace.store.runs.get(started["run_id"])
        assert run is not None
        document = json.loads(await server.workspace.store.values.get_value(run.document))
        assert document["value"]["modules"][0]["value"]["content"] == edit["code"]

    async def test_an_edit_marks_the_whole_cone_stale(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": [7], "b": 1}
        await server.run(draft, cell["b"])
        change = await server.edit(draft, {"op": "set_code", "cell": cell["a"], "code": "def main(n): return 2"})
        assert {shown["step_id"]: shown["state"]["kind"] for shown in change["cells"]} == {"a": "stale", "b": "stale"}
        undone = await server.post(draft, "undo", {})
        assert {shown["step_id"]: shown["state"]["kind"] for shown in undone["cells"]} == {"a": "fresh", "b": "fresh"}

    async def test_another_flow_input_makes_its_readers_stale(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": [7], "b": 1}
        await server.run(draft, cell["b"])
        await server.edit(draft, {"op": "set_sample", "name": "n", "value": 8})
        assert (await kinds(server, draft))["a"] == "stale"

    async def test_a_failed_cell_is_never_a_result(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.failing = {"a": {"name": "ValueError", "message": "no", "line": 2, "stack": "Traceback"}}
        await server.run(draft, cell["b"])
        after = await cells(server, draft)
        assert (after["a"]["state"]["kind"], after["b"]["state"]["kind"]) == ("failed", "blocked")
        assert after["a"]["output"]["error"] == {
            "name": "ValueError",
            "message": "no",
            "stack": "Traceback",
            "line": 2,
        }
        server.engine.failing = {}
        assert (await server.run(draft, cell["b"]))["plan"]["run"] == [cell["a"], cell["b"]]

    async def test_what_runs_cannot_be_started_again(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.hold = True
        run = await server.run(draft, cell["a"])
        assert (await cells(server, draft))["a"]["state"]["kind"] == "queued"
        await server.engine.begin(run["run_id"], "a")
        assert (await cells(server, draft))["a"]["state"]["kind"] == "running"
        refused = await server.run(draft, cell["a"], status=409)
        assert refused["error"]["message"] == "a is running already."
        cancelled = await server.post(draft, "cancel", {})
        assert cancelled == {"cancelled": [run["run_id"]]}
        assert (await cells(server, draft))["a"]["state"]["kind"] == "never"

    async def test_outside_effects_are_not_repeated_unasked(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        await server.edit(draft, {"op": "set_beside", "cell": cell["a"], "key": "outside_effects", "value": True})
        await server.run(draft, cell["a"])
        asked = await server.run(draft, cell["a"], status=409)
        assert (asked["error"]["code"], asked["error"]["cells"]) == ("run.asks_first", [cell["a"]])
        await server.run(draft, cell["a"], confirmed=[cell["a"]])

    async def test_a_canceled_run_leaves_the_result_before_it(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": [1], "b": 1}
        first = await server.run(draft, cell["b"])
        server.engine.hold = True
        run = await server.run(draft, cell["a"])
        await server.engine.begin(run["run_id"], "a")
        row = await server.workspace.store.runs.claim(run["run_id"], "test") or pytest.fail()
        await server.engine._step(row, "a", dumps({"error": {"name": "Canceled", "message": "x"}}), "canceled")
        await server.post(draft, "cancel", {})
        assert await kinds(server, draft) == {"a": "fresh", "b": "fresh"}
        assert (await cells(server, draft))["a"]["output"]["run_id"] == first["run_id"]

    async def test_nothing_to_run_says_so(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        await server.run(draft, cell["b"])
        assert (await server.run(draft, mode="stale", status=409))["error"]["code"] == "run.nothing_to_run"
        assert (await server.run(draft, mode="sideways", status=400))["error"]["code"] == "request.invalid"

    async def test_a_record_written_after_a_restart_is_the_same(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers, server.engine.hold = {"a": [7], "b": 1}, True
        run = await server.run(draft, cell["b"])
        server.workspace.observer._runs.clear()
        server.workspace.drafts._drafts.forget(draft)
        assert await kinds(server, draft) == {"a": "queued", "b": "queued"}
        await server.engine.finish(run["run_id"])
        assert await kinds(server, draft) == {"a": "fresh", "b": "fresh"}


class TestRuns:
    async def test_the_list_is_paged_and_filtered(self, server: Server) -> None:
        draft = await server.draft(CHAIN, path="f/team/chain")
        await server.post(draft, "deploy", {})
        for _ in range(3):
            await server.client.post("/api/w/main/jobs/run/f/f/team/chain", content=b"")
        server.engine.failing = {"a": {"name": "E", "message": "x"}}
        await server.client.post("/api/w/main/jobs/run/f/f/team/chain", json={})
        listed = (await server.client.get("/api/w/main/runs", params={"per_page": 3})).json()
        assert [run["number"] for run in listed] == [4, 3, 2]
        rest = (await server.client.get("/api/w/main/runs", params={"per_page": 3, "page": 2})).json()
        assert [run["number"] for run in rest] == [1]
        failed = (await server.client.get("/api/w/main/runs", params={"status": "failure"})).json()
        assert [run["number"] for run in failed] == [4]
        detail = (await server.client.get(f"/api/w/main/runs/{failed[0]['id']}")).json()
        assert detail["run"]["error"] == {"name": "E", "message": "x"}

    async def test_cancel_says_who_and_why(self, server: Server) -> None:
        draft = await server.draft(CHAIN, path="f/team/chain")
        await server.post(draft, "deploy", {})
        server.engine.hold = True
        run = (await server.client.post("/api/w/main/jobs/run/f/f/team/chain", json={})).text
        answer = await server.client.post(f"/api/w/main/jobs_u/queue/cancel/{run}", json={"reason": "wrong day"})
        assert (answer.status_code, answer.text) == (200, run)
        detail = (await server.client.get(f"/api/w/main/runs/{run}")).json()
        assert detail["run"]["cancel"] == {"by": "admin", "reason": "wrong day"}

    async def test_errors_of_windmill_shaped_routes_are_text(self, server: Server) -> None:
        for method, path in (
            ("POST", "jobs/run/f/f/no/flow"),
            ("POST", "jobs_u/queue/cancel/nope"),
            ("GET", "flows/get/f/no/flow"),
        ):
            answer = await server.client.request(method, f"/api/w/main/{path}", json={})
            assert answer.status_code == 404
            assert answer.headers["content-type"].startswith("text/plain")
            assert answer.text.startswith("There is no such")


class TestEvents:
    async def messages(self, server: Server, topics: str, count: int, do: Any) -> list[dict[str, Any]]:
        identity = await server.workspace.sessions.identity(
            (await server.workspace.sessions.person("test-token-0123456789")) or pytest.fail(), "main"
        )

        async def valid() -> bool:
            return True

        stream = await server.workspace.streams.open(identity, topics.split(","), valid)
        found = [await anext(stream)]
        task = asyncio.ensure_future(do())
        while len(found) < count:
            message = await asyncio.wait_for(anext(stream), 60)
            if message is not None:
                found.append(message)
        await task
        await stream.aclose()  # type: ignore[attr-defined] # the stream is an async generator
        return [message for message in found if message is not None]

    async def test_a_page_hears_states_outputs_and_logs(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": [1, 2]}
        found = await self.messages(server, f"draft:{draft}", 6, lambda: server.run(draft, cell["a"]))
        assert found[0]["type"] == "hello"
        by_type = {message["type"]: message for message in found[1:]}
        assert {"log", "output", "run"} <= by_type.keys()
        assert {"state", "states"} & by_type.keys()
        assert by_type["output"]["output"]["title_text"] == "2 items"
        assert by_type["log"] | {"run_id": ""} == {
            "topic": f"draft:{draft}",
            "type": "log",
            "cell": cell["a"],
            "run_id": "",
            "path": "a",
            "text": "log of a\n",
            "offset": 0,
        }

    async def test_evaluated_values_come_by_themselves(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": [1, 2]}

        async def run() -> None:
            await server.run(draft, cell["a"])

        identity = await server.workspace.sessions.identity(
            (await server.workspace.sessions.person("test-token-0123456789")) or pytest.fail(), "main"
        )

        async def valid() -> bool:
            return True

        stream = await server.workspace.streams.open(identity, [f"draft:{draft}"], valid)
        await anext(stream)
        await run()
        evaluated: dict[str, Any] = {}
        while "b" not in evaluated:
            message = await asyncio.wait_for(anext(stream), 60)
            assert message is not None
            if message["type"] == "evaluated":
                name = next(step for step, one in cell.items() if one == message["cell"])
                evaluated[name] = message["inputs"]
        assert evaluated["b"] == {"rows": {"ok": True, "text": "2 items", "type": "array"}}
        await stream.aclose()  # type: ignore[attr-defined] # the stream is an async generator
        assert (await cells(server, draft))["a"]["inputs"][0]["evaluated"] == {
            "ok": True,
            "text": "7",
            "type": "number",
        }

    async def test_a_stream_ends_with_its_session_also_while_there_is_news(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams, "PING_S", 0.0)
        draft = await server.draft(CHAIN)
        person = await server.workspace.sessions.person("test-token-0123456789") or pytest.fail()
        identity = await server.workspace.sessions.identity(person, "main")

        async def ended() -> bool:
            return False

        stream = await server.workspace.streams.open(identity, [f"draft:{draft}"], ended)
        assert (await anext(stream) or {})["type"] == "hello"
        for name in "xyz":
            server.workspace.store.events.publish(Event(f"draft:{draft}", name))
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    async def test_a_stream_that_nobody_reads_leaves_nothing_behind(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        person = await server.workspace.sessions.person("test-token-0123456789") or pytest.fail()
        identity = await server.workspace.sessions.identity(person, "main")

        async def valid() -> bool:
            return True

        stream = await server.workspace.streams.open(identity, [f"draft:{draft}"], valid)
        del stream
        assert not server.workspace.store.events.wanted(f"draft:{draft}")

    async def test_stopping_ends_every_stream(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        answer = asyncio.ensure_future(server.client.get(f"/api/w/main/events?topics=draft:{draft},runs"))
        await asyncio.sleep(0.1)
        assert not answer.done()
        server.workspace.stop_streams()
        lines = (await asyncio.wait_for(answer, 60)).text
        assert json.loads(lines.removeprefix("data: ").strip())["type"] == "hello"

    async def test_a_step_of_a_run_is_told_to_its_page(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.hold = True
        run = await server.run(draft, cell["a"])
        found = await self.messages(server, f"run:{run['run_id']}", 5, lambda: server.engine.finish(run["run_id"]))
        steps = [message["step"]["status"] for message in found if message["type"] == "step"]
        assert steps == ["running", "success"]
