"""Results, logs and tables over HTTP."""

from __future__ import annotations

import base64
import csv
import io

import pytest

from tests.integration.api.api_cells import ids, one_result
from tests.integration.api.api_server import CHAIN, Server


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
