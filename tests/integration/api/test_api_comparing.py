"""Two runs side by side over HTTP."""

from __future__ import annotations

from typing import Any

from flowapp.workspace.comparing import in_order
from tests.integration.api.api_server import CHAIN, Server, flow_of, script

W = "/api/w/main"


async def run_of(server: Server, draft: str, step: str) -> str:
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(draft))["cells"]}
    return str((await server.run(draft, cells[step]))["run_id"])


async def compared(server: Server, a: str, b: str) -> Any:
    answer = await server.client.get(f"{W}/runs/compare", params={"a": a, "b": b})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_equal_runs_are_the_same_in_everything(server: Server) -> None:
    draft = await server.draft(CHAIN)
    server.engine.answers = {"a": [7], "b": 1}
    first, second = await run_of(server, draft, "b"), await run_of(server, await server.draft(CHAIN), "b")
    found = await compared(server, first, second)
    assert found["same"] == {"args": True, "result": True, "code": True}
    assert (found["a"]["id"], found["b"]["id"]) == (first, second)
    assert [step["path"] for step in found["steps"]] == ["a", "b"]
    assert all(step["same"] == {"code": True, "args": True, "result": True} for step in found["steps"])


async def test_what_differs_is_told_by_step(server: Server) -> None:
    flow = flow_of(
        script(
            "a",
            "def main(): pass",
        ),
        script("b", "def main(): pass"),
    )
    flow["value"]["modules"][0]["summary"] = "Old name"
    draft = await server.draft(flow)
    server.engine.answers = {"a": 1, "b": 1}
    first = await run_of(server, draft, "a")
    flow["value"]["modules"][0] = {**script("a", "def main(): return 2"), "summary": "New name"}
    server.engine.answers = {"a": 2, "b": 1}
    second = await run_of(server, await server.draft(flow), "a")
    (only,) = (await compared(server, first, second))["steps"]
    assert (only["title"], only["same"]) == ("New name", {"code": False, "args": True, "result": False})
    module = (await server.client.get(f"{W}/runs/{second}/code", params={"step": "a"})).json()
    assert module["value"]["content"] == "def main(): return 2"
    assert "summary" not in module


async def test_a_step_that_only_one_of_them_ran(server: Server) -> None:
    draft = await server.draft(CHAIN)
    server.engine.answers = {"a": [7], "b": 1}
    first, second = await run_of(server, draft, "b"), await run_of(server, draft, "b")
    by_path = {step["path"]: step for step in (await compared(server, first, second))["steps"]}
    assert list(by_path) == ["a", "b"]
    assert by_path["a"]["b"] is None and by_path["a"]["a"]["status"] == "success"
    assert by_path["a"]["same"] == {"code": True, "args": None, "result": None}


async def test_a_rename_is_no_other_code_and_another_condition_is(server: Server) -> None:
    def branching(expr: str, summary: str) -> dict[str, Any]:
        branches = [{"expr": expr, "summary": summary, "modules": [script("b", "def main(): pass")]}]
        value = {"type": "branchone", "branches": branches, "default": []}
        return flow_of({"id": "a", "summary": summary, "value": value})

    server.engine.answers = {"a": 1}
    runs = [
        await run_of(server, await server.draft(branching(expr, summary)), "a")
        for expr, summary in (("true", "x"), ("true", "y"), ("false", "y"))
    ]
    assert (await compared(server, runs[0], runs[1]))["steps"][0]["same"]["result"] is True
    assert (await compared(server, runs[1], runs[2]))["steps"][0]["same"]["code"] is False


async def test_runs_of_others_look_as_if_they_were_not_there(server: Server) -> None:
    draft = await server.draft(CHAIN)
    server.engine.answers = {"a": [7], "b": 1}
    mine = await run_of(server, draft, "b")
    other = await server.person("dan", "developer")
    for query in ({"a": mine, "b": mine}, {"a": "nope", "b": mine}):
        assert (await other.get(f"{W}/runs/compare", params=query)).status_code == 404
    assert (await other.get(f"{W}/runs/{mine}/code", params={"step": "a"})).status_code == 404
    assert (await server.client.get(f"{W}/runs/{mine}/code", params={"step": "z"})).status_code == 404
    assert (await server.client.get(f"{W}/runs/compare", params={"a": mine})).status_code in (400, 422)


def test_steps_of_one_side_stand_after_what_they_followed() -> None:
    first, second = ("a", "only", "b", "c", "last"), ("new", "a", "b", "d", "c")
    assert in_order(dict.fromkeys(first), dict.fromkeys(second)) == ["new", "a", "only", "b", "d", "c", "last"]
    assert in_order(dict.fromkeys("xy"), {}) == ["x", "y"]
    many = in_order({f"l[{n}].b": None for n in range(20_000)}, {f"m[{n}].b": None for n in range(20_000)})
    assert len(many) == 40_000  # at once: no place is looked for
