"""Stand-ins of a cell: typed, made from results of runs with the files in them, in force or not."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.jsontext import dumps
from flowapp.store import wiping
from flowapp.store.blobs import REFERENCE
from flowapp.workspace import stand_ins
from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"


async def opened(server: Server, path: str = "f/team/chain") -> tuple[str, str]:
    """A draft and the id of its cell `a`."""
    draft = await server.draft(CHAIN, path=path)
    cells = (await server.notebook(draft))["cells"]
    return draft, next(cell["id"] for cell in cells if cell["step_id"] == "a")


async def cell_of(server: Server, draft: str, cell: str) -> dict[str, Any]:
    return next(found for found in (await server.notebook(draft))["cells"] if found["id"] == cell)


async def results(server: Server, draft: str, cell: str) -> list[dict[str, Any]]:
    answer = await server.client.get(f"{W}/drafts/{draft}/results", params={"cell": cell})
    assert answer.status_code == 200, answer.text
    return list(answer.json())


class TestTyped:
    async def test_several_are_kept_and_one_is_in_force(self, server: Server) -> None:
        draft, cell = await opened(server)
        await server.edit(
            draft,
            {"op": "keep_stand_in", "cell": cell, "name": "empty list", "value": []},
            {"op": "keep_stand_in", "cell": cell, "name": "an error", "value": {"error": {"message": "no"}}},
            {"op": "use_stand_in", "cell": cell, "name": "empty list"},
        )
        shown = await cell_of(server, draft, cell)
        assert [(one["name"], one["preview"], one["in_force"]) for one in shown["stand_ins"]] == [
            ("empty list", "[]", True),
            ("an error", '{"error":{"message":"no"}}', False),
        ]
        assert shown["state"]["text"] == "Pinned: empty list"
        exported = (await server.client.get(f"{W}/drafts/{draft}/export?format=json")).json()
        assert exported["value"]["modules"][0]["mock"] == {"enabled": True, "return_value": []}
        assert "an error" not in str(exported) and "stand_ins" not in str(exported)
        deployed = await server.post(draft, "deploy", {})
        assert deployed["left_out"] == ["the pinned value of a"]
        await server.post(draft, "undo", {"client": "page"})
        shown = await cell_of(server, draft, cell)
        assert shown["stand_ins"] == [] and shown["state"]["kind"] == "never", "one step takes all of them back"

    async def test_another_server_reads_them_from_the_database(self, server: Server) -> None:
        draft, cell = await opened(server)
        await server.edit(draft, {"op": "keep_stand_in", "cell": cell, "name": "one", "value": 1})
        row = await server.workspace.store.database.read(
            lambda c: c.exec_driver_sql(f"SELECT document FROM draft WHERE id = '{draft}'").scalar()
        )
        assert '"stand_ins":{"one":1}' in str(row)

    async def test_refusals_are_sentences(self, server: Server) -> None:
        draft, cell = await opened(server)
        big = {"op": "keep_stand_in", "cell": cell, "name": "big", "value": "x" * 65_600}
        answer = await server.edit(draft, big, status=409)
        assert answer["error"]["code"] == "notebook.stand_in_too_large" and "64 KB" in answer["error"]["message"]
        answer = await server.edit(draft, {"op": "use_stand_in", "cell": cell, "name": "nope"}, status=409)
        assert answer["error"]["code"] == "notebook.stand_in_not_found"


class TestResults:
    async def test_results_of_runs_are_listed_and_one_is_kept_and_used(self, server: Server) -> None:
        draft, cell = await opened(server)
        for value in ([1], [1, 2]):
            server.engine.answers["a"] = value
            await server.run(draft, cell, mode="all")
        server.engine.failing["a"] = {"message": "no rows", "name": "ValueError"}
        await server.run(draft, cell, mode="all")
        server.engine.failing.clear()
        await server.post(draft, "deploy", {})
        server.engine.answers["a"] = ["deployed"]
        await server.client.post(f"{W}/jobs/run/f/f/team/chain", json={})
        found = await results(server, draft, cell)
        assert [(one["of"], one["status"], one["preview"], one["fits"]) for one in found] == [
            ("flow", "success", '["deployed"]', True),
            ("draft", "failure", '{"error":{"message":"no rows","name":"ValueError"}}', True),
            ("draft", "success", "[1,2]", True),
            ("draft", "success", "[1]", True),
        ]
        chosen = {"run_id": found[2]["run_id"], "path": found[2]["path"]}
        change = await server.post(
            draft, "stand_ins", {"client": "page", "cell": cell, "name": " two rows ", "use": True, **chosen}
        )
        assert [one["id"] for one in change["cells"] if one["stand_ins"]] == [cell]
        shown = await cell_of(server, draft, cell)
        assert shown["state"]["text"] == "Pinned: two rows" and shown["stand_ins"][0]["value"] == [1, 2]

    async def test_files_in_a_result_stay_though_nobody_could_send_them(self, server: Server) -> None:
        draft, cell = await opened(server)
        reference = await server.workspace.store.blobs.put(b"a,b\n" * 40_000, media_type="text/csv", name="rows.csv")
        value = {"file": reference.to_json()}
        server.engine.answers["a"] = value
        await server.run(draft, cell)
        typed = {"op": "keep_stand_in", "cell": cell, "name": "typed", "value": value}
        await server.edit(draft, typed, status=400)
        (found,) = await results(server, draft, cell)
        await server.post(
            draft, "stand_ins", {"cell": cell, "name": "a file", "run_id": found["run_id"], "path": "a", "use": True}
        )
        exported = (await server.client.get(f"{W}/drafts/{draft}/export?format=json")).json()
        assert exported["value"]["modules"][0]["mock"]["return_value"] == value
        assert REFERENCE in dumps(value)

    async def test_what_cannot_be_kept(self, server: Server) -> None:
        draft, cell = await opened(server)
        server.engine.answers["a"] = "x" * 70_000
        await server.run(draft, cell)
        (found,) = await results(server, draft, cell)
        assert (found["fits"], found["preview"], found["size"]) == (False, "", 70_002)
        body = {"cell": cell, "name": "n", "run_id": found["run_id"], "path": "a"}
        for change, status, said in (
            ({}, 400, "64 KB"),
            ({"path": "nope"}, 404, "no result"),
            ({"run_id": "nope"}, 404, "no such run"),
            ({"run_id": ""}, 400, "run_id is missing"),
            ({"cell": ""}, 400, "cell is missing"),
        ):
            answer = await server.client.post(f"{W}/drafts/{draft}/stand_ins", json={**body, **change})
            assert answer.status_code == status and said in answer.text, answer.text
        missing = await server.client.get(f"{W}/drafts/{draft}/results", params={"cell": "nope"})
        assert missing.status_code == 400

    async def test_a_loop_of_many_rounds_leaves_room_for_earlier_runs(self, server: Server) -> None:
        draft, cell = await opened(server)
        await server.run(draft, cell)
        server.engine.hold = True
        run = (await server.run(draft, cell))["run_id"]
        await server.engine.finish(run, [f"loop[{number}].a" for number in range(210)])
        found = await results(server, draft, cell)
        assert [one["run_number"] for one in found] == [2, 2, 2, 2, 2, 1]
        assert found[0]["path"] == "loop[209].a"

    async def test_runs_that_one_may_not_read_take_no_room(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stand_ins, "LOOKED_AT", 1)
        dora, dan = await server.person("dora", "developer"), await server.person("dan", "developer")
        mine = (await dora.post(f"{W}/drafts", json={"flow": CHAIN, "path": "f/team/chain"})).json()["id"]
        own = (await dora.get(f"{W}/drafts/{mine}/notebook")).json()["cells"][0]["id"]
        (await dora.post(f"{W}/drafts/{mine}/deploy", json={})).raise_for_status()
        (await dan.post(f"{W}/jobs/run/f/f/team/chain", json={})).raise_for_status()
        closed = {"path": "f/team/chain", "summary": "", "visible_to_runner_only": True, "value": CHAIN["value"]}
        (await server.client.post(f"{W}/flows/update/f/team/chain", json=closed)).raise_for_status()
        (await dan.post(f"{W}/jobs/run/f/f/team/chain", json={})).raise_for_status()
        found = (await dora.get(f"{W}/drafts/{mine}/results", params={"cell": own})).json()
        assert [(one["of"], one["run_number"]) for one in found] == [("flow", 1)]

    async def test_what_was_deleted_is_no_result(self, server: Server) -> None:
        draft, cell = await opened(server)
        for value in ([1], [2]):
            server.engine.answers["a"] = value
            await server.run(draft, cell, mode="all")
        later, earlier = await results(server, draft, cell)
        store = server.workspace.store
        await store.database.write(lambda c: wiping.note(c, later["run_id"], {"a": "2026-01-01T00:00:00.000Z"}))
        assert await wiping.wipe_due(store) == 1
        assert await results(server, draft, cell) == [earlier]
        body = {"cell": cell, "name": "n", "run_id": later["run_id"], "path": "a"}
        answer = await server.client.post(f"{W}/drafts/{draft}/stand_ins", json=body)
        assert answer.status_code == 404 and "was deleted" in answer.text, answer.text

    async def test_others_see_neither_the_draft_nor_its_results(self, server: Server) -> None:
        draft, cell = await opened(server)
        await server.run(draft, cell)
        (found,) = await results(server, draft, cell)
        dora = await server.person("dora", "developer")
        assert (await dora.get(f"{W}/drafts/{draft}/results", params={"cell": cell})).status_code == 404
        mine = (await dora.post(f"{W}/drafts", json={"flow": CHAIN})).json()["id"]
        own = (await dora.get(f"{W}/drafts/{mine}/notebook")).json()["cells"][0]["id"]
        body = {"cell": own, "name": "n", "run_id": found["run_id"], "path": "a"}
        taken = await dora.post(f"{W}/drafts/{mine}/stand_ins", json=body)
        assert taken.status_code == 404 and "no such run" in taken.text
