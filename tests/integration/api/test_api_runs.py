"""Running cells and flows over HTTP: states, records, outputs, paging, files, events."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
from typing import Any

import pytest

from flowapp.jsontext import dumps
from flowapp.store.events import Event
from flowapp.workspace import streams
from tests.integration.api.api_server import CHAIN, Server, flow_of, script


async def cells(server: Server, draft: str) -> dict[str, dict[str, Any]]:
    return {cell["step_id"]: cell for cell in (await server.notebook(draft))["cells"]}


async def ids(server: Server, draft: str) -> dict[str, str]:
    return {step: cell["id"] for step, cell in (await cells(server, draft)).items()}


async def kinds(server: Server, draft: str) -> dict[str, str]:
    return {step: cell["state"]["kind"] for step, cell in (await cells(server, draft)).items()}


async def one_result(server: Server, value: Any) -> str:
    """A run whose step `a` gave `value`."""
    draft = await server.draft(flow_of(script("a", "def main(): pass")))
    server.engine.answers = {"a": value}
    return str((await server.run(draft, (await ids(server, draft))["a"]))["run_id"])


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


class TestOutputs:
    async def test_a_tree_is_read_a_page_at_a_time(self, server: Server) -> None:
        run = await one_result(server, {"rows": [{"n": number} for number in range(500)], "big": 2**63 + 1})
        place = f"/api/w/main/runs/{run}/node"
        page = (await server.client.get(place, params={"path": "a", "at": '["rows"]', "offset": 490})).json()
        assert (page["k"], page["t"], page["n"], len(page["c"])) == ("rows", "array", 500, 10)
        assert page["c"][0] == {"k": 490, "t": "object", "n": 1}
        big = (await server.client.get(place, params={"path": "a", "at": '["big"]'})).json()
        assert (big["t"], big["v"]) == ("number", "9223372036854775809")
        gone = await server.client.get(place, params={"path": "a", "at": '["nope"]'})
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "output.missing")
        found = (await server.client.get(place, params={"path": "a", "q": "499"})).json()
        assert found["matches"] == 1 and found["c"][0]["c"][0]["c"][0]["v"] == 499

    async def test_tables_are_sorted_filtered_and_searched_here(self, server: Server) -> None:
        rows = [{"city": city, "n": number} for number, city in enumerate(["Bonn", "Ulm", None, "bonn", "Aachen"] * 30)]
        run = await one_result(server, rows)
        output = (await server.client.get(f"/api/w/main/runs/{run}/output", params={"path": "a"})).json()
        assert (output["default_view"], output["title_text"], len(output["table"]["rows"])) == (
            "table",
            "150 items",
            50,
        )
        query = {"path": "a", "filter": '{"city": "bonn"}', "sort": "n:desc", "limit": "2"}
        table = (await server.client.get(f"/api/w/main/runs/{run}/table", params=query)).json()
        assert table["rows"] == [["bonn", 148], ["Bonn", 145]]
        assert (table["matched"], table["total"], table["index"]) == (60, 150, [148, 145])
        answer = await server.client.get(f"/api/w/main/runs/{run}/table.csv", params=query)
        assert answer.headers["content-disposition"].startswith('attachment; filename="a.csv"')
        lines = list(csv.reader(io.StringIO(answer.text)))
        assert (lines[0], len(lines)) == (["city", "n"], 61)

    async def test_what_is_no_table_has_no_csv(self, server: Server) -> None:
        run = await one_result(server, {"n": 1})
        for query in ({"path": "a"}, {"path": "a", "at": '["gone"]'}):
            answer = await server.client.get(f"/api/w/main/runs/{run}/table.csv", params=query)
            assert (answer.status_code, "content-disposition" in answer.headers) == (404, False)

    async def test_a_big_result_is_read_in_a_process_of_its_own(self, server: Server) -> None:
        rows = [{"id": number, "name": f"row {number}", "text": "x" * 200} for number in range(20_000)]
        run = await one_result(server, rows)
        place = f"/api/w/main/runs/{run}"
        output = (await server.client.get(f"{place}/output", params={"path": "a"})).json()
        assert (output["title_text"], output["table"]["total"]) == ("20,000 items", 20_000)
        assert output["size"] > 4_000_000
        query = {"path": "a", "q": "row 19999"}
        assert (await server.client.get(f"{place}/table", params=query)).json()["matched"] == 1
        node = await server.client.get(f"{place}/node", params={"path": "a", "at": "[19999,2]"})
        assert node.status_code == 404
        assert len((await server.client.get(f"{place}/raw", params={"path": "a"})).json()) == 20_000
        lines = (await server.client.get(f"{place}/table.csv", params={"path": "a"})).text.count("\r\n")
        assert lines == 20_001

    async def test_expressions_on_a_big_result_are_shown_along_plain_paths(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.answers = {"a": {"rows": [{"text": "x" * 1000}] * 5000}}
        await server.run(draft, cell["a"])
        body = {"cell": cell["b"], "field": "rows"}
        shown = await server.post(draft, "preview", {**body, "expr": "results.a.rows"})
        assert (shown["ok"], shown["text"], shown["node"]["n"]) == (True, "5,000 items", 5000)
        length = await server.post(draft, "preview", {**body, "expr": "results.a.rows.length"})
        assert (length["ok"], length["text"]) == (True, "5000")
        refused = await server.post(draft, "preview", {**body, "expr": "results.a.rows.map(x => x)"})
        assert refused == {"ok": False, "text": "too big to show before a run"}

    async def test_pictures_and_files(self, server: Server) -> None:
        png = base64.b64encode(b"\x89PNG" + b"0" * 300_000).decode()
        run = await one_result(server, {"png": png})
        output = (await server.client.get(f"/api/w/main/runs/{run}/output", params={"path": "a"})).json()
        assert (output["rich"]["kind"], output["rich"]["value"]) == ("image", None)
        picture = await server.client.get(output["rich"]["url"])
        assert picture.headers["content-type"] == "image/png"
        assert "sandbox" in picture.headers["content-security-policy"]
        assert picture.content.startswith(b"\x89PNG")
        content = {"content": base64.b64encode(b"<script>").decode(), "filename": "../x\n.html"}
        run = await one_result(server, {"file": content})
        file = await server.client.get(f"/api/w/main/runs/{run}/file?path=a")
        assert file.headers["content-type"] == "application/octet-stream"
        assert file.headers["content-disposition"].startswith('attachment; filename="x_.html"')

    async def test_several_results_below_each_other(self, server: Server) -> None:
        parts = [{"table-row-object": [{"a": 1}]}, {"chart": {"mark": "bar"}}, {"markdown": "# hi"}]
        run = await one_result(server, {"render_all": parts})
        output = (await server.client.get(f"/api/w/main/runs/{run}/output", params={"path": "a"})).json()
        assert output["default_view"] == "parts"
        assert [part["default_view"] for part in output["rich"]["value"]] == ["table", "chart", "markdown"]
        assert output["rich"]["value"][0]["table"]["at"] == ["render_all", 0, "table-row-object"]

    async def test_logs_are_read_on_from_where_one_was(self, server: Server) -> None:
        run = await one_result(server, 1)
        place = f"/api/w/main/runs/{run}/logs"
        first = (await server.client.get(place, params={"path": "a"})).json()
        assert first == {"text": "log of a\n", "next": 9, "done": False}
        rest = (await server.client.get(place, params={"path": "a", "offset": 9})).json()
        assert rest == {"text": "", "next": 9, "done": True}
        whole = await server.client.get(place, params={"path": "a", "download": "true"})
        assert whole.text == "log of a\n" and "attachment" in whole.headers["content-disposition"]

    @pytest.mark.parametrize("at", ["{}", "[1.5]", "[null]", "[", "[true]"])
    async def test_a_path_that_is_none_is_refused(self, server: Server, at: str) -> None:
        run = await one_result(server, 1)
        answer = await server.client.get(f"/api/w/main/runs/{run}/node", params={"path": "a", "at": at})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "request.invalid")

    async def test_a_step_that_never_ran_has_no_output(self, server: Server) -> None:
        run = await one_result(server, 1)
        answer = await server.client.get(f"/api/w/main/runs/{run}/output", params={"path": "zz"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "output.missing")


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
            message = await asyncio.wait_for(anext(stream), 10)
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
            message = await asyncio.wait_for(anext(stream), 10)
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
        lines = (await asyncio.wait_for(answer, 5)).text
        assert json.loads(lines.removeprefix("data: ").strip())["type"] == "hello"

    async def test_a_step_of_a_run_is_told_to_its_page(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = await ids(server, draft)
        server.engine.hold = True
        run = await server.run(draft, cell["a"])
        found = await self.messages(server, f"run:{run['run_id']}", 5, lambda: server.engine.finish(run["run_id"]))
        steps = [message["step"]["status"] for message in found if message["type"] == "step"]
        assert steps == ["running", "success"]
