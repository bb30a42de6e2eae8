"""The whole server without a browser: real engine, real processes, over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from flowapp.store import variables
from flowapp.store.clock import now
from flowapp.store.tables import VariableRow
from tests.integration.api.api_product import DRAFTS, Product
from tests.integration.api.api_server import flow_of, js, script


async def test_three_languages_hand_on_their_results(product: Product) -> None:
    flow = flow_of(
        script("a", "def main(n: int):\n    print('hi')\n    return {'rows': [n] * 3}\n", n=js("flow_input.n")),
        script(
            "b", "export async function main(rows: number[]) { return rows.length }", "deno", rows=js("results.a.rows")
        ),
        script("c", 'count="$1"\necho "got $count"\n', "bash", count=js("results.b")),
        n={"type": "integer", "default": 7},
    )
    draft, cell = await product.draft(flow)
    detail = await product.run(draft, cells=[cell["c"]])
    assert [(step["step_id"], step["status"]) for step in detail["steps"]] == [(s, "success") for s in "abc"]
    cells = await product.cells(draft)
    assert {step: shown["state"]["kind"] for step, shown in cells.items()} == {"a": "fresh", "b": "fresh", "c": "fresh"}
    assert cells["c"]["output"]["title_text"] == "got 3"
    assert cells["a"]["output"]["logs"]["tail"] == "hi\n"


async def test_a_stale_cell_with_equal_inputs_is_reused(product: Product) -> None:
    flow = flow_of(
        script("a", "def main():\n    return 1\n"), script("b", "def main(x):\n    return x + 1\n", x=js("results.a"))
    )
    draft, cell = await product.draft(flow)
    await product.run(draft, cells=[cell["b"]])
    edit = {"op": "set_code", "cell": cell["a"], "code": "def main():\n    return 3 - 2\n"}
    await product.run(draft, ops=[edit], cells=[], mode="stale")
    cells = await product.cells(draft)
    assert (cells["a"]["state"]["kind"], cells["b"]["state"]["kind"]) == ("fresh", "reused")
    assert cells["b"]["output"]["reused_from"]["run_number"] == 1
    again = await product.run(draft, cells=[cell["b"]])
    assert [step["status"] for step in again["steps"] if step["step_id"] == "b"] == ["success"]


async def test_a_cell_says_which_run_it_took_and_why_it_computed(product: Product) -> None:
    flow = flow_of(
        script("a", "def main():\n    return 1\n"), script("b", "def main(x):\n    return x + 1\n", x=js("results.a"))
    )
    draft, cell = await product.draft(flow)

    runs: list[str] = []

    async def states(**body: Any) -> dict[str, Any]:
        runs.append((await product.run(draft, **body))["run"]["id"])
        return {step: shown["state"] for step, shown in (await product.cells(draft)).items()}

    def code(step: str, text: str) -> dict[str, Any]:
        return {"op": "set_code", "cell": cell[step], "code": text}

    first = await states(cells=[cell["b"]])
    assert "ran_because" not in first["b"]  # there was nothing that it could have taken
    second = await states(ops=[code("a", "def main():\n    return 3 - 2\n")], cells=[], mode="stale")
    assert second["a"]["ran_because"] == ["code changed"]
    assert (second["b"]["kind"], second["b"]["run_number"]) == ("reused", 2)
    assert second["b"]["reused_from"]["run_number"] == 1
    assert (second["b"]["reused_from"]["run_id"], second["b"]["ran_in"]) == (runs[0], runs[1])
    assert second["b"]["text"].endswith("run #1")
    third = await states(ops=[code("a", "def main():\n    return 5\n")], cells=[], mode="stale")
    assert (third["b"]["kind"], third["b"]["ran_because"]) == ("fresh", ["x from a changed"])
    assert "reused_from" not in third["b"]
    fourth = await states(cells=[cell["b"]])
    assert fourth["b"]["ran_because"] == ["it was run although it was up to date"]


async def test_a_forgotten_result_is_computed_again(product: Product) -> None:
    """Also where it was kept from an earlier run: in the other cell of equal code, and in the iterations of a loop."""
    code = "import time\ndef main(x):\n    return [x, time.time_ns()]\n"
    loop = {
        "id": "l",
        "value": {
            "type": "forloopflow",
            "iterator": js("[1, 2]"),
            "modules": [script("c", code, x=js("flow_input.iter.value"))],
        },
    }
    flow = flow_of(
        script("a", code, x={"type": "static", "value": 7}),
        script("b", "def main(y): return y", y=js("results.a")),
        loop,
    )
    draft, cell = await product.draft(flow)
    first = (await product.run(draft, cells=[], mode="all"))["steps"]

    async def forget(*steps: str) -> dict[str, Any]:
        body = {"cells": [cell[step] for step in steps], "client": "page"}
        answer = await product.client.post(f"{DRAFTS}/{draft}/forget", json=body)
        assert answer.status_code == 200, answer.text
        change: dict[str, Any] = answer.json()
        return {shown["step_id"]: (shown["state"]["kind"], shown["output"]) for shown in change["cells"]}

    changed = await forget("a", "l")
    assert {step: kind for step, (kind, _) in changed.items()} == {
        "a": "never",
        "b": "stale",
        "l": "never",
        "c": "never",
    }
    assert changed["a"][1] is None
    again = (await product.run(draft, cells=[], mode="stale"))["steps"]
    statuses = {step["path"]: step["status"] for step in again}
    assert {path: statuses[path] for path in ("a", "l[0].c", "l[1].c")} == dict.fromkeys(
        ("a", "l[0].c", "l[1].c"), "success"
    )
    assert {step["path"] for step in first} == statuses.keys()
    iterations = await product.client.get(f"{DRAFTS}/{draft}/iterations", params={"cell": cell["l"]})
    assert (iterations.json()["total"], iterations.json()["reused"]) == (2, 0)

    ops = [{"op": "set_setting", "cell": cell["l"], "key": "iterator", "value": js("[2, 1, 3]")}]
    await product.run(draft, ops=ops, cells=[cell["l"]])
    iterations = await product.client.get(f"{DRAFTS}/{draft}/iterations", params={"cell": cell["l"]})
    assert (iterations.json()["total"], iterations.json()["reused"]) == (3, 2)


async def test_a_result_that_is_computed_anew_takes_the_place_of_the_kept_one(product: Product) -> None:
    draft, cell = await product.draft(flow_of(script("a", "import time\ndef main():\n    return time.time_ns()\n")))
    for _ in range(2):
        await product.run(draft, cells=[cell["a"]])
    newest = (await product.cells(draft))["a"]["output"]["title_text"]
    other, kept = "def main():\n    return 0\n", "import time\ndef main():\n    return time.time_ns()\n"
    for code in (other, kept):
        await product.run(draft, ops=[{"op": "set_code", "cell": cell["a"], "code": code}], cells=[cell["a"]])
    shown = (await product.cells(draft))["a"]
    assert (shown["state"]["kind"], shown["output"]["title_text"]) == ("reused", newest)


async def test_an_error_is_at_its_line(product: Product) -> None:
    draft, cell = await product.draft(flow_of(script("a", "def main():\n    x = 1\n    raise ValueError('no')\n")))
    await product.run(draft, cells=[cell["a"]])
    shown = (await product.cells(draft))["a"]
    assert shown["state"]["kind"] == "failed"
    error = shown["output"]["error"]
    assert (error["name"], error["message"], error["line"]) == ("ValueError", "no", 3)


async def test_nested_cells_show_their_last_iteration(product: Product) -> None:
    inner = script("b", "def main(x):\n    return x * 10\n", x=js("flow_input.iter.value"))
    loop = {"type": "forloopflow", "iterator": js("[1, 2, 3]"), "skip_failures": False, "modules": [inner]}
    draft, cell = await product.draft(flow_of({"id": "loop", "value": loop}))
    detail = await product.run(draft, cells=[cell["loop"]])
    assert detail["run"]["status"] == "success"
    cells = await product.cells(draft)
    assert {step: shown["state"]["kind"] for step, shown in cells.items()} == {"loop": "fresh", "b": "fresh"}
    assert [child["v"] for child in cells["loop"]["output"]["node"]["c"]] == [10, 20, 30]
    assert cells["b"]["output"]["path"].startswith("loop[")


async def test_an_uploaded_file_reaches_the_step_as_text(product: Product) -> None:
    flow = flow_of(
        script("a", "def main(orders: str):\n    return len(orders.splitlines())\n", orders=js("flow_input.orders")),
        orders={"type": "string"},
    )
    draft, cell = await product.draft(flow)
    headers = {"content-type": "text/csv", "x-file-name": "orders.csv"}
    content = b"id,amount\n" * 100_000
    uploaded = await product.client.post(f"{DRAFTS}/{draft}/input/orders", content=content, headers=headers)
    assert uploaded.status_code == 200
    await product.run(draft, cells=[cell["a"]])
    assert (await product.cells(draft))["a"]["output"]["title_text"] == "100000"
    preview = {"cell": cell["a"], "field": "orders", "expr": "flow_input.orders.split('\\n').length"}
    answer = (await product.client.post(f"{DRAFTS}/{draft}/preview", json=preview)).json()
    assert (answer["ok"], answer["text"]) == (True, "100001")


async def test_a_secret_variable_is_used_by_a_run_and_never_shown(product: Product) -> None:
    row = VariableRow(
        workspace="main", path="u/admin/key", value="s3cret", is_secret=True, edited_by="admin", edited_at=now()
    )
    box = product.workspace.secrets
    await product.workspace.store.database.write(lambda c: variables.set_variable(c, box, row))
    code = "def main(key: str):\n    return len(key)\n"
    static = {"type": "static", "value": "$var:u/admin/key"}
    draft, cell = await product.draft(flow_of(script("a", code, key=static)))
    await product.run(draft, cells=[cell["a"]])
    assert (await product.cells(draft))["a"]["output"]["title_text"] == "6"
    for name in product.workspace.store.home.glob("flowapp.db*"):
        assert b"s3cret" not in name.read_bytes()


async def test_canceling_kills_a_running_cell(product: Product) -> None:
    draft, cell = await product.draft(flow_of(script("a", "import time\n\ndef main():\n    time.sleep(60)\n")))
    started = await product.client.post(f"{DRAFTS}/{draft}/run", json={"cells": [cell["a"]]})
    await asyncio.sleep(0.5)
    assert (await product.cells(draft))["a"]["state"]["kind"] == "running"
    cancelled = await product.client.post(f"{DRAFTS}/{draft}/cancel")
    assert cancelled.json() == {"cancelled": [started.json()["run_id"]]}
    detail = await asyncio.wait_for(product.ended(started.json()["run_id"]), 60)
    assert detail["run"]["status"] == "canceled"
    assert (await product.cells(draft))["a"]["state"]["kind"] == "never"


async def test_a_deployed_flow_runs_with_its_arguments(product: Product) -> None:
    flow = flow_of(script("a", "def main(n: int):\n    return n + 1\n", n=js("flow_input.n")), n={"type": "integer"})
    draft, _ = await product.draft(flow)
    deployed = (await product.client.post(f"{DRAFTS}/{draft}/deploy", json={"path": "f/team/add"})).json()
    assert deployed["version"] == 1
    started = await product.client.post("/api/w/main/jobs/run/f/f/team/add", content=json.dumps({"n": 2**60}))
    detail = await product.ended(started.text)
    assert detail["run"]["status"] == "success"
    raw = await product.client.get(f"/api/w/main/runs/{started.text}/raw")
    assert raw.text == str(2**60 + 1)


async def test_a_text_of_48_mb_is_an_argument_of_a_run(product: Product) -> None:
    flow = flow_of(
        script("a", "def main(text: str):\n    return len(text)\n", text=js("flow_input.text")), text={"type": "string"}
    )
    draft, _ = await product.draft(flow)
    await product.client.post(f"{DRAFTS}/{draft}/deploy", json={"path": "f/team/long"})
    size = 48 << 20
    started = await product.client.post("/api/w/main/jobs/run/f/f/team/long", json={"text": "é" + "x" * (size - 2)})
    detail = await product.ended(started.text)
    assert detail["run"]["status"] == "success", detail
    raw = await product.client.get(f"/api/w/main/runs/{started.text}/raw")
    assert raw.text == str(size - 1)
    refused = await product.client.post("/api/w/main/jobs/run/f/f/team/long", json={"text": "x" * (51 << 20)})
    assert (refused.status_code, "50 MB" in refused.text) == (413, True)


@pytest.mark.parametrize("name", ["orders_report", "loop", "three_languages"])
async def test_every_template_runs(product: Product, name: str) -> None:
    made = await product.client.post(DRAFTS, json={"template": name})
    assert made.status_code == 201, made.text
    draft = made.json()["id"]
    detail = await product.run(draft, cells=[], mode="all")
    assert detail["run"]["status"] == "success", detail
    kinds = {shown["state"]["kind"] for shown in (await product.cells(draft)).values()}
    assert kinds <= {"fresh", "reused", "never", "skipped"}


async def test_a_stand_in_that_holds_a_file_is_read_as_the_file(product: Product) -> None:
    flow = flow_of(
        script("a", "def main():\n    raise Exception('does not run')\n"),
        script("b", "def main(text: str):\n    return [len(text), text[:4]]\n", text=js("results.a.file")),
        file={"type": "string"},
    )
    draft, cells = await product.draft(flow)
    content = b"a,b\n" * 40_000
    uploaded = await product.client.post(f"{DRAFTS}/{draft}/input/file", content=content)
    assert uploaded.status_code == 200, uploaded.text
    document = await product.workspace.store.database.read(
        lambda c: c.exec_driver_sql(f"SELECT document FROM draft WHERE id = '{draft}'").scalar()
    )
    reference = json.loads(str(document))["sample"]["file"]
    assert isinstance(reference, dict)
    operations = [
        {"op": "keep_stand_in", "cell": cells["a"], "name": "a file", "value": {"file": reference}},
        {"op": "use_stand_in", "cell": cells["a"], "name": "a file"},
        {"op": "set_sample", "name": "file", "remove": True},
    ]
    edited = await product.client.post(f"{DRAFTS}/{draft}/operations", json={"client": "page", "ops": operations})
    assert edited.status_code == 200, edited.text
    await product.run(draft, cells=[cells["b"]])
    found = await product.client.get(f"{DRAFTS}/{draft}/results", params={"cell": cells["b"]})
    assert [one["preview"] for one in found.json()] == ['[160000,"a,b\\n"]'], found.text
    nothing = await product.client.get(f"{DRAFTS}/{draft}/results", params={"cell": cells["a"]})
    assert nothing.json() == [], "what a stand-in gave is no result of the cell"


async def test_large_rows_are_read_in_the_page_and_over_http_and_used_as_far_as_they_fit(product: Product) -> None:
    """70 rows of a megabyte: more than any step is given, in the table of the page and as the result of its run."""
    rows = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 70) SELECT n, printf('%.*c', 1000000, 'x') AS t FROM s"
    some = rows.replace("n < 70", "n < 7")
    count = "def main(x): return '%d rows, %d letters' % (len(x), len(x[-1]['t']))"
    flow = flow_of(
        script("a", rows, "sqlite"),
        script("few", some, "sqlite"),
        script("b", count, x=js("results.few")),
        script("c", count, x=js("results.a")),
    )
    draft, cell = await product.draft(flow)
    detail = await product.run(draft, cells=[cell["b"]])
    assert [step["status"] for step in detail["steps"]] == ["success"] * 2, detail
    cells = await product.cells(draft)
    assert cells["b"]["output"]["title_text"] == "7 rows, 1000000 letters"
    detail = await product.run(draft, cells=[cell["c"]])
    assert {step["step_id"]: step["status"] for step in detail["steps"]} == {"a": "success", "c": "failure"}
    cells = await product.cells(draft)
    assert "LIMIT" in cells["c"]["output"]["error"]["message"]
    shown = cells["a"]["output"]
    assert (shown["default_view"], shown["table"]["total"], shown["size"] > 70_000_000) == ("table", 70, True)
    place = f"/api/w/main/runs/{detail['run']['id']}"
    page = (await product.client.get(f"{place}/table", params={"path": "a", "sort": "n:desc", "limit": 2})).json()
    assert [row[0] for row in page["rows"]] == [70, 69]
    raw = (await product.client.get(f"{place}/raw", params={"path": "a"})).content
    assert len(raw) == shown["size"]
    assert json.loads(raw) == [{"n": n, "t": "x" * 1_000_000} for n in range(1, 71)]

    preview = {"content": rows, "language": "sqlite", "args": {}}
    waited = await product.client.post("/api/w/main/jobs/run_wait_result/preview", json=preview)
    assert waited.status_code == 200
    assert waited.content == raw
    listed = (await product.client.get("/api/w/main/jobs/list", params={"job_kinds": "preview"})).json()
    job = listed[0]["id"]
    result = await product.client.get(f"/api/w/main/jobs_u/completed/get_result/{job}")
    assert result.content == raw
    told = (await product.client.get(f"/api/w/main/jobs_u/completed/get/{job}")).json()
    assert told["result"]["$flowapp:blob"]["size"] == len(raw)


async def test_a_loop_over_large_rows_is_shown_by_their_size_and_downloaded_whole(product: Product) -> None:
    rows = "-- :k (integer)\nWITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5) SELECT n + :k AS n, printf('%.*c', 1000000, 'x') AS t FROM s"
    loop = {
        "id": "l",
        "value": {
            "type": "forloopflow",
            "iterator": js("[1, 2]"),
            "skip_failures": False,
            "modules": [script("a", rows, "sqlite", k=js("flow_input.iter.value"))],
        },
    }
    draft, cell = await product.draft(flow_of(loop))
    detail = await product.run(draft, cells=[cell["l"]])
    place = f"/api/w/main/runs/{detail['run']['id']}"
    shown = (await product.client.get(f"{place}/node", params={"path": "l"})).text
    assert shown.count("a large result (4.8 MB)") == 2
    assert "sha256" not in shown
    expected = [[{"n": n, "t": "x" * 1_000_000} for n in range(1 + k, 6 + k)] for k in (1, 2)]
    assert (await product.client.get(f"{place}/raw", params={"path": "l"})).json() == expected
    assert (await product.client.get(f"{place}/raw", params={"path": "l", "at": "[1]"})).json() == expected[1]


async def test_a_step_of_a_called_flow_is_not_the_cell_of_the_same_id(product: Product) -> None:
    inner = flow_of(script("a", "def main():\n    return 'inner'\n"), script("c", "def main():\n    return 'called'\n"))
    body = {"path": "f/x/inner", "summary": "", "value": inner["value"], "schema": {}}
    assert (await product.client.post("/api/w/main/flows/create", json=body)).status_code == 201
    call = {"id": "b", "value": {"type": "flow", "path": "f/x/inner", "input_transforms": {}}}
    draft, cell = await product.draft(flow_of(script("a", "def main():\n    return 'own'\n"), call))
    await product.run(draft, cells=[cell["a"]])
    await product.run(draft, cells=[cell["b"]])
    cells = await product.cells(draft)
    assert (cells["a"]["output"]["title_text"], cells["b"]["output"]["title_text"]) == ("own", "called")
