"""The bin of a draft: what was deleted is shown, and comes back where it was, or near it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.api.api_cells import cells, ids
from tests.integration.api.api_server import Server, flow_of, js, script


def chain() -> dict[str, Any]:
    loop = {"type": "forloopflow", "iterator": js("[1, 2]"), "skip_failures": False}
    inside = script("c", "def main(x): return x", x=js("flow_input.iter.value"))
    return flow_of(
        {**script("a", "def main():\n    return 1"), "summary": "The first"},
        {"id": "b", "value": {**loop, "modules": [inside]}},
        script("d", "echo 1", "bash"),
    )


async def deleted(server: Server, draft: str, *steps: str) -> dict[str, str]:
    cell = await ids(server, draft)
    await server.edit(draft, *({"op": "delete_cell", "cell": cell[step]} for step in steps))
    return cell


async def binned(server: Server, draft: str) -> list[dict[str, Any]]:
    answer = await server.client.get(f"/api/w/main/drafts/{draft}/bin")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def back(server: Server, draft: str, cell: str, status: int = 200) -> Any:
    return await server.post(draft, "bin", {"cell": cell, "client": "page"}, status)


async def steps(server: Server, draft: str) -> list[str]:
    return [cell["step_id"] for cell in (await server.notebook(draft))["cells"]]


async def test_what_was_deleted_comes_back_where_it_was(server: Server) -> None:
    draft = await server.draft(chain())
    assert await binned(server, draft) == []
    before = (await server.notebook(draft))["cells"]
    cell = await deleted(server, draft, "b")
    await deleted(server, draft, "a")
    newest, older = await binned(server, draft)
    assert (newest["step_id"], newest["title"], newest["kind"], newest["language"]) == (
        "a",
        "The first",
        "rawscript",
        "python3",
    )
    assert newest["code"] == "def main():\n    return 1" and newest["by"] == "admin" and newest["at"]
    assert (older["step_id"], older["kind"], older["language"], older["code"]) == ("b", "forloopflow", "", "")
    await back(server, draft, cell["a"])
    await back(server, draft, cell["b"])
    assert (await server.notebook(draft))["cells"] == before, "with its nested cell, its wires and in its place"
    assert await binned(server, draft) == []
    assert (await back(server, draft, cell["a"], 404))["error"]["message"] == "This cell is not in the bin."


async def test_undo_takes_it_out_of_the_bin_and_redo_puts_it_in_again(server: Server) -> None:
    draft = await server.draft(chain())
    await deleted(server, draft, "d")
    await server.post(draft, "undo", {"client": "page"})
    assert await binned(server, draft) == []
    await server.post(draft, "redo", {"client": "page"})
    assert [one["step_id"] for one in await binned(server, draft)] == ["d"]


async def test_where_its_place_is_gone_it_comes_back_at_the_end(server: Server) -> None:
    draft = await server.draft(chain())
    cell = await deleted(server, draft, "c")
    await deleted(server, draft, "b")
    await back(server, draft, cell["c"])
    assert await steps(server, draft) == ["a", "d", "c"]
    await back(server, draft, cell["b"])
    assert await steps(server, draft) == ["a", "b", "d", "c"]


async def test_where_its_id_is_taken_it_comes_back_as_a_copy(server: Server) -> None:
    draft = await server.draft(chain())
    cell = await deleted(server, draft, "a")
    other = script("a", "def main(): return 2")
    await server.edit(
        draft, {"op": "insert_cell", "cell": "new", "parent": None, "slot": "modules", "index": 0, "module": other}
    )
    await back(server, draft, cell["a"])
    found = await cells(server, draft)
    assert len(found) == 5 and found["a"]["code"] == "def main(): return 2"
    (copy,) = [one for one in found.values() if one["title"] == "The first"]
    assert copy["code"] == "def main():\n    return 1"


async def test_a_failure_step_whose_place_is_taken_comes_back_among_the_others(server: Server) -> None:
    flow = chain()
    flow["value"]["failure_module"] = script("failure", "def main(): return 0")
    draft = await server.draft(flow)
    cell = await deleted(server, draft, "failure")
    other = script("failure", "def main(): return 9")
    await server.edit(
        draft, {"op": "insert_cell", "cell": "new", "parent": None, "slot": "failure", "index": 0, "module": other}
    )
    await back(server, draft, cell["failure"])
    codes = [one.get("code") for one in (await cells(server, draft)).values()]
    assert codes.count("def main(): return 0") == 1 and codes.count("def main(): return 9") == 1


async def test_two_who_put_it_back_at_once_get_one(server: Server) -> None:
    draft = await server.draft(chain())
    cell = await deleted(server, draft, "a")
    url, body = f"/api/w/main/drafts/{draft}/bin", {"cell": cell["a"], "client": "p"}
    made = await asyncio.gather(*(server.client.post(url, json=body) for _ in range(4)))
    assert (await steps(server, draft)).count("a") == 1
    assert {answer.status_code for answer in made} <= {200, 404, 409}
    assert len((await server.notebook(draft))["cells"]) == 4


async def test_only_who_edits_the_draft_sees_it(server: Server) -> None:
    draft = await server.draft(chain())
    await deleted(server, draft, "a")
    other = await server.person("olga", "developer")
    assert (await other.get(f"/api/w/main/drafts/{draft}/bin")).status_code in (403, 404)
