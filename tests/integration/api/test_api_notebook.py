"""A notebook over HTTP: creating, importing, editing, conflicts, undo, inputs, picking, deploying."""

from __future__ import annotations

import asyncio
from typing import Any

from flowapp.store import audit
from tests.integration.api.api_server import CHAIN, Server, flow_of, js, script


async def cells(server: Server, draft: str) -> dict[str, dict[str, Any]]:
    return {cell["step_id"]: cell for cell in (await server.notebook(draft))["cells"]}


def set_code(cell: dict[str, Any], code: str, **more: Any) -> dict[str, Any]:
    return {"op": "set_code", "cell": cell["id"], "code": code, **more}


class TestCreate:
    async def test_an_empty_draft_has_a_path_of_ones_own(self, server: Server) -> None:
        answer = await server.client.post("/api/w/main/drafts", json={"summary": "Orders für März"})
        assert answer.json()["path"] == "u/admin/orders_fur_marz"
        notebook = await server.notebook(answer.json()["id"])
        assert notebook["cells"] == []
        assert notebook["draft"]["summary"] == "Orders für März"

    async def test_the_same_title_twice_gives_two_paths(self, server: Server) -> None:
        await server.draft(summary="Orders")
        answer = await server.client.post("/api/w/main/drafts", json={"summary": "Orders"})
        assert answer.json()["path"] == "u/admin/orders_2"

    async def test_yaml_text_is_imported(self, server: Server) -> None:
        text = "summary: From text\nvalue:\n  modules:\n  - id: a\n    value: {type: identity}\n"
        draft = await server.draft(text=text)
        assert list(await cells(server, draft)) == ["a"]

    async def test_a_broken_document_gives_its_problems_and_stores_nothing(self, server: Server) -> None:
        broken = {"summary": "x", "value": {"modules": [{"id": "a", "value": {"type": "rawscript"}}]}}
        answer = await server.client.post("/api/w/main/drafts", json={"flow": broken})
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["code"] == "document.invalid"
        assert error["problems"] and all(problem["pointer"].startswith("/value") for problem in error["problems"])
        assert (await server.client.get("/api/w/main/flows")).json() == []

    async def test_one_step_id_twice_is_a_problem(self, server: Server) -> None:
        flow = flow_of(script("a", "def main(): pass"), script("a", "def main(): pass"))
        answer = await server.client.post("/api/w/main/drafts", json={"flow": flow})
        assert answer.status_code == 422
        assert "id.duplicate" in {problem["rule"] for problem in answer.json()["error"]["problems"]}

    async def test_a_path_outside_of_the_grammar_is_refused(self, server: Server) -> None:
        for path in ("orders", "u/admin/../x", "f//x", "u/admin/a b"):
            answer = await server.client.post("/api/w/main/drafts", json={"path": path})
            assert answer.status_code == 422, path
            assert answer.json()["error"]["code"] == "flow.path_invalid"

    async def test_templates_open_with_their_samples(self, server: Server) -> None:
        listed = (await server.client.get("/api/w/main/templates")).json()
        assert [template["order"] for template in listed] == sorted(template["order"] for template in listed)
        for template in listed:
            draft = await server.draft(template=template["name"])
            notebook = await server.notebook(draft)
            assert [p for p in notebook["problems"] if p["severity"] == "error"] == []
            assert notebook["cells"]

    async def test_the_notes_of_a_template_stand_after_their_steps(self, server: Server) -> None:
        draft = await server.draft(template="first_steps")
        shown = (await server.client.get(f"/api/w/main/drafts/{draft}/notebook")).json()
        steps = {cell["id"]: cell["step_id"] for cell in shown["cells"]}
        after = [steps.get(note["after"]) for note in shown["notes"]]
        assert after == [None, "hello", "letters", "often", "each"]
        assert shown["notes"][0]["text"].startswith("# First steps")

    async def test_an_unknown_template_is_missing(self, server: Server) -> None:
        assert (await server.client.post("/api/w/main/drafts", json={"template": "nope"})).status_code == 404


class TestEdit:
    async def test_operations_answer_what_changed(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        before = await cells(server, draft)
        change = await server.edit(draft, {"op": "set_title", "cell": before["a"]["id"], "title": "Repeat"})
        assert change["version"] == 2
        assert [(cell["step_id"], cell["title"]) for cell in change["cells"]] == [("a", "Repeat")]
        assert change["order"] == [before["a"]["id"], before["b"]["id"]]

    async def test_a_refused_operation_changes_nothing(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        before = await cells(server, draft)
        ops = [set_code(before["a"], "changed"), {"op": "set_title", "cell": "gone", "title": "x"}]
        answer = await server.edit(draft, *ops, status=409)
        assert answer["error"]["code"] == "notebook.cell_not_found"
        assert (await cells(server, draft))["a"]["code"] == before["a"]["code"]

    async def test_an_operation_without_shape_is_refused(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        assert (await server.edit(draft, {"op": "explode"}, status=409))["error"]["code"] == "notebook.bad_operation"
        await server.post(draft, "operations", {"ops": "no list"}, 400)

    async def test_every_edit_is_audited(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        await server.edit(draft, {"op": "set_title", "cell": cell["id"], "title": "Repeat"})
        rows = await server.workspace.store.database.read(lambda c: audit.latest(c, "main"))
        assert [row.action for row in rows][:2] == ["draft.edit", "draft.create"]


class TestConflicts:
    async def test_code_that_another_page_changed_is_not_overwritten(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        seen = cell["code_version"]
        await server.edit(draft, set_code(cell, "def main(n): return 1", base_code_version=seen), client="one")
        answer = await server.edit(
            draft, set_code(cell, "def main(n): return 2", base_code_version=seen), client="two", status=409
        )
        assert answer["error"]["code"] == "draft.conflict"
        assert "return 1" in (await cells(server, draft))["a"]["code"]

    async def test_ones_own_writes_never_come_back_as_news(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        seen = cell["code_version"]
        for code in ("def main(n): return 1", "def main(n): return 2", "def main(n): return 3"):
            change = await server.edit(draft, set_code(cell, code, base_code_version=seen), client="one")
            (mine,) = [shown for shown in change["cells"] if shown["step_id"] == "a"]
            assert mine["code_version"] == seen

    async def test_other_pages_and_undo_see_a_new_version(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        seen = cell["code_version"]
        await server.edit(draft, set_code(cell, "def main(n): return 1", base_code_version=seen), client="one")
        assert (await cells(server, draft))["a"]["code_version"] > seen
        undone = await server.post(draft, "undo", {"client": "one"})
        (mine,) = [shown for shown in undone["cells"] if shown["step_id"] == "a"]
        assert mine["code_version"] > seen + 1

    async def test_edits_of_different_cells_do_not_conflict(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        a, b = (await cells(server, draft)).values()
        base = {"base_code_version": a["code_version"]}
        await asyncio.gather(
            server.edit(draft, set_code(a, "def main(n): return 1", **base), client="one"),
            server.edit(draft, set_code(b, "def main(rows): return 2", **base), client="two"),
        )
        after = await cells(server, draft)
        assert ("return 1" in after["a"]["code"], "return 2" in after["b"]["code"]) == (True, True)


class TestUndo:
    async def test_undo_and_redo_survive_a_restart(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        await server.edit(draft, {"op": "set_title", "cell": cell["id"], "title": "One"})
        await server.edit(draft, {"op": "delete_cell", "cell": cell["id"]})
        server.workspace.drafts._drafts.forget(draft)
        undone = await server.post(draft, "undo", {"client": "page"})
        assert [shown["title"] for shown in undone["cells"] if shown["step_id"] == "a"] == ["One"]
        assert undone["draft"]["can_redo"]
        server.workspace.drafts._drafts.forget(draft)
        redone = await server.post(draft, "redo", {"client": "page"})
        assert cell["id"] in redone["removed"] or cell["id"] not in redone["order"]

    async def test_typing_in_one_cell_is_one_edit(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        for text in ("d", "de", "def main(): pass"):
            await server.edit(draft, set_code(cell, text))
        undone = await server.post(draft, "undo", {})
        assert [shown["code"] for shown in undone["cells"] if shown["step_id"] == "a"] == [cell["code"]]
        assert undone["draft"]["can_undo"] is None

    async def test_a_new_edit_ends_redo(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        await server.edit(draft, {"op": "set_title", "cell": cell["id"], "title": "One"})
        await server.post(draft, "undo", {})
        await server.edit(draft, {"op": "set_title", "cell": cell["id"], "title": "Two"})
        assert (await server.post(draft, "redo", {}, 409))["error"]["code"] == "draft.nothing_to_undo"

    async def test_one_edit_is_taken_back_only_while_it_is_the_last_one(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        found = await cells(server, draft)
        deleted = await server.edit(draft, {"op": "delete_cell", "cell": found["b"]["id"]})
        await server.edit(draft, {"op": "set_title", "cell": found["a"]["id"], "title": "One"})
        refused = (await server.post(draft, "undo", {"version": deleted["version"]}, 409))["error"]
        assert refused["code"] == "draft.edited_since" and "last one is" in refused["hint"]
        assert (await cells(server, draft))["a"]["title"] == "One"
        await server.post(draft, "undo", {})
        undone = await server.post(draft, "undo", {"version": deleted["version"]})
        assert [cell["step_id"] for cell in undone["cells"] if cell["id"] == found["b"]["id"]] == ["b"]
        assert (await server.post(draft, "undo", {"version": "x"}, 400))["error"]["code"] == "request.invalid"

    async def test_there_may_be_nothing_to_undo(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        assert (await server.post(draft, "undo", {}, 409))["error"]["message"] == "There is nothing to undo."


class TestInputs:
    async def upload(self, server: Server, draft: str, content: bytes, name: str = "orders.csv") -> Any:
        headers = {"content-type": "text/csv", "x-file-name": name}
        return await server.client.post(f"/api/w/main/drafts/{draft}/input/orders", content=content, headers=headers)

    async def test_a_big_file_stands_beside_the_document(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        answer = await self.upload(server, draft, b"id,name\n" + b"1,x\n" * 50_000, "orders%20%C3%BC.csv")
        assert answer.status_code == 200, answer.text
        (value,) = [value for value in answer.json()["input"]["values"] if value["name"] == "orders"]
        assert value["blob"] == {"name": "orders ü.csv", "size": 200_008, "media_type": "text/csv"}
        text = await server.client.get(f"/api/w/main/drafts/{draft}/input/orders/text?offset=8&limit=4")
        assert text.json() == {"text": "1,x\n", "total": 200_008}

    async def test_a_file_keeps_its_name_and_a_short_pasted_text_is_plain(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        answer = await self.upload(server, draft, b"id\n1\n")
        (value,) = [value for value in answer.json()["input"]["values"] if value["name"] == "orders"]
        assert value["blob"]["name"] == "orders.csv"
        answer = await self.upload(server, draft, "\ufeffid\n1\n".encode(), "")
        (value,) = [value for value in answer.json()["input"]["values"] if value["name"] == "orders"]
        assert (value["value"], value["blob"]) == ("id\n1\n", None)

    async def test_what_is_no_text_is_refused_with_the_place(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        answer = await self.upload(server, draft, b"id\n1\n\xff\xe4")
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "upload.not_text")
        assert "line 3" in answer.json()["error"]["message"]

    async def test_an_upload_can_be_undone(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        await self.upload(server, draft, b"id\n1\n")
        undone = await server.post(draft, "undo", {})
        assert "orders" not in {value["name"] for value in undone["input"]["values"]}

    async def test_a_schema_is_inferred_from_a_sample(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        found = await server.post(draft, "infer_schema", {"sample": {"b": 1, "a": [{"x": "y"}]}})
        assert found["schema"]["order"] == ["b", "a"]
        assert found["schema"]["properties"]["b"] == {"type": "integer"}


class TestWiring:
    async def test_the_picker_offers_what_comes_before(self, server: Server) -> None:
        flow = flow_of(
            script("a", "def main():\n    return {}"),
            script("b", "def main(orders: list): pass"),
            script("c", "def main(): pass"),
        )
        draft = await server.draft(flow)
        server.engine.answers = {"a": {"orders": [{"id": 1}], "odd key": 1}}
        shown = await cells(server, draft)
        await server.run(draft, shown["a"]["id"])
        place = f"/api/w/main/drafts/{draft}/picker"
        query = {"cell": shown["b"]["id"], "field": "orders"}
        groups = {
            group["name"]: group["items"] for group in (await server.client.get(place, params=query)).json()["groups"]
        }
        assert groups["Suggested"][0]["expr"] == "results.a.orders"
        assert groups["Suggested"][0]["why"]
        assert [item["step_id"] for item in groups["Results"]] == ["a"]
        children = await server.client.get(f"{place}/children", params={**query, "expr": "results.a"})
        assert [item["expr"] for item in children.json()["items"]] == ["results.a.orders", 'results.a["odd key"]']
        for expr in ("results.a.", "1 + 1", "results.nope", "results.a.nope.deeper"):
            nothing = await server.client.get(f"{place}/children", params={**query, "expr": expr})
            assert nothing.json() == {"items": [], "total": 0}, expr
        found = await server.client.get(place, params={**query, "q": "odd"})
        assert any(item["expr"] == 'results.a["odd key"]' for g in found.json()["groups"] for item in g["items"])

    async def test_a_cell_that_never_ran_is_picked_by_its_annotation(self, server: Server) -> None:
        code = (
            "from typing import TypedDict\n\nclass Out(TypedDict):\n    rows: list\n    total: float\n\n"
            "def main() -> Out:\n    return {}\n"
        )
        draft = await server.draft(flow_of(script("a", code), script("b", "def main(rows: list): pass")))
        shown = await cells(server, draft)
        query = {"cell": shown["b"]["id"], "field": "rows"}
        groups = (await server.client.get(f"/api/w/main/drafts/{draft}/picker", params=query)).json()["groups"]
        (result,) = next(group["items"] for group in groups if group["name"] == "Results")
        assert (result["type"], result["declared"], result["children"]) == ("object", True, True)
        assert groups[0]["items"][0]["expr"] == "results.a.rows"

    async def test_a_preview_uses_the_production_evaluator(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        shown = await cells(server, draft)
        server.engine.answers = {"a": [1, 2, 3]}
        body = {"cell": shown["b"]["id"], "field": "rows", "expr": "results.a.map(n => n * 2)"}
        assert await server.post(draft, "preview", body) == {"ok": False, "text": "run a first"}
        await server.run(draft, shown["a"]["id"])
        answer = await server.post(draft, "preview", body)
        assert (answer["ok"], answer["text"], answer["node"]["c"][2]["v"]) == (True, "3 items", 6)
        failed = await server.post(draft, "preview", {**body, "expr": "results.a.nope.nope"})
        assert failed["ok"] is False and "TypeError" in failed["text"] and failed["fails"] is True
        broken = await server.post(draft, "preview", {**body, "expr": "results.a["})
        assert broken["ok"] is False

    async def test_previews_never_read_secrets(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        shown = await cells(server, draft)
        body = {"cell": shown["b"]["id"], "field": "rows", "expr": "variable('u/admin/key')"}
        answer = await server.post(draft, "preview", body)
        assert answer == {"ok": False, "text": "shown when it runs: it reads a variable or resource"}

    async def test_open_inputs_get_proposals(self, server: Server) -> None:
        flow = flow_of(script("a", "def main():\n    return {}"), script("b", "def main(rows: list, n: int = 1): pass"))
        draft = await server.draft(flow)
        shown = await cells(server, draft)
        server.engine.answers = {"a": {"rows": [1, 2]}}
        await server.run(draft, shown["a"]["id"])
        answer = await server.post(draft, "connect", {"cell": shown["b"]["id"], "use_model": False})
        (proposal,) = answer["proposals"]
        assert (proposal["field"], proposal["expr"]) == ("rows", "results.a.rows")
        assert proposal["evaluated"] == {"ok": True, "text": "2 items", "type": "array"}
        asked = await server.post(draft, "connect", {"cell": shown["b"]["id"], "use_model": True})
        assert asked["proposals"] == answer["proposals"] and "No model is configured" in asked["notice"]

    async def test_all_constants_in_one_place(self, server: Server) -> None:
        static = {"type": "static", "value": "$var:u/admin/key"}
        flow = flow_of(
            script("a", "def main(key: str, n): pass", key=static, n=js("1")), script("b", "def main(): pass")
        )
        draft = await server.draft(flow)
        (group,) = (await server.client.get(f"/api/w/main/drafts/{draft}/static")).json()["groups"]
        (field,) = group["fields"]
        assert (group["step_id"], field["field"], field["secret"], field["ref"]) == (
            "a",
            "key",
            True,
            "$var:u/admin/key",
        )
