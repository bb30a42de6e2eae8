"""Wires checked against the last results: told of when a cell has run, gone when its code changes, and never with a value in it."""

from __future__ import annotations

import asyncio
from typing import Any

from flowapp.openflow import rules
from flowapp.store.events import Event, Subscription
from tests.integration.api.api_server import Server, flow_of, js, script

FLOW = flow_of(
    script("a", "def main():\n    return fetch()\n"),
    script("b", "def main(x: int):\n    return x\n", x=js("results.a.totl")),
)
RULES_ALL = sorted(rules.RULES)
RULES = ("wire.unknown_field", "wire.type_mismatch")


async def opened(server: Server) -> tuple[str, dict[str, str], Subscription]:
    draft = await server.draft(FLOW)
    page = server.workspace.store.events.subscribe([f"draft:{draft}"])
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(draft))["cells"]}
    return draft, cells, page


async def run_a(server: Server, draft: str, cell: str, value: Any) -> None:
    server.engine.answers = {"a": value}
    await server.run(draft, cell)


async def change(page: Subscription) -> Event:
    while (event := await asyncio.wait_for(anext(page), 60)).type != "change":
        pass
    return event


def told(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found["step_id"], found["message"]) for found in answer["problems"] if found["rule"] in RULES]


async def test_a_result_tells_of_a_wire_and_new_code_takes_it_back(server: Server) -> None:
    draft, cells, page = await opened(server)
    assert told(await server.notebook(draft)) == []
    await run_a(server, draft, cells["a"], {"total": 4, "secret": "hunter2"})
    event = await change(page)
    assert told(event.data) == [("b", "The last result has no totl in results.a.")]
    assert [cell["step_id"] for cell in event.data["cells"]] == ["b"]
    assert "hunter2" not in str(event.data)
    assert told(await server.notebook(draft)) == told(event.data)

    edited = await server.edit(
        draft, {"op": "set_code", "cell": cells["a"], "code": "def main():\n    return better()\n"}
    )
    assert told(edited) == []
    await run_a(server, draft, cells["a"], {"totl": "4"})
    while not told((event := await change(page)).data):
        pass
    assert told(event.data) == [("b", "results.a.totl was a text in the last run, and x takes a whole number.")]


async def test_the_same_result_of_new_code_tells_of_the_wire_again(server: Server) -> None:
    draft, cells, page = await opened(server)
    await run_a(server, draft, cells["a"], {"total": 4})
    assert told((await change(page)).data)
    op = {"op": "set_code", "cell": cells["a"], "code": "def main():\n    return other()\n"}
    assert told(await server.edit(draft, op)) == []
    await run_a(server, draft, cells["a"], {"total": 4})
    while not told((event := await change(page)).data):
        pass
    assert told(event.data) == [("b", "The last result has no totl in results.a.")]


async def test_a_stand_in_counts_as_a_result(server: Server) -> None:
    draft, cells, _ = await opened(server)
    edited = await server.edit(
        draft,
        {"op": "keep_stand_in", "cell": cells["a"], "name": "one", "value": {"total": 1}},
        {"op": "use_stand_in", "cell": cells["a"], "name": "one"},
    )
    assert told(edited) == [("b", "The last result has no totl in results.a.")]
    deployed = await server.post(draft, "deploy", {})
    assert deployed["version"] == 1, "a warning keeps nobody from deploying"


async def test_a_large_result_is_looked_at_as_well(server: Server) -> None:
    draft, cells, page = await opened(server)
    await run_a(server, draft, cells["a"], {"total": 4, "text": "x" * (3 << 20)})
    assert told((await change(page)).data) == [("b", "The last result has no totl in results.a.")]


async def test_what_a_called_script_needs_is_known_by_its_kept_inputs(server: Server) -> None:
    call = {"id": "a", "value": {"type": "script", "path": "f/team/x", "input_transforms": {}}}
    draft = await server.draft(flow_of(call))
    notebook = await server.notebook(draft)
    assert notebook["problems"] == []
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    op = {"op": "set_beside", "cell": notebook["cells"][0]["id"], "key": "schema", "value": schema}
    edited = await server.edit(draft, op)
    assert [found["message"] for found in edited["problems"]] == ["Input n of f/team/x is not set."]
    (cell,) = edited["cells"]
    assert cell["inputs"][0]["required"] and cell["problems"] == edited["problems"]
    assert (await server.post(draft, "deploy", {}))["version"] == 1


async def test_the_picker_says_from_where_a_value_is_known(server: Server) -> None:
    typed = "def main(n) -> dict[str, int]:\n    return {}\n"
    flow = flow_of(
        script("a", "def main():\n    return fetch()\n"),
        script("t", typed, n=js("results.a.n")),
        script("u", "def main():\n    return 1\n"),
        script("b", "def main(x): ..."),
        n={"type": "integer"},
        m={"type": "integer"},
    )
    draft = await server.draft(flow)
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(draft))["cells"]}

    async def origins(name: str = "Results", q: str = "") -> dict[str, str | None]:
        place = f"/api/w/main/drafts/{draft}/picker"
        answer = await server.client.get(place, params={"cell": cells["b"], "field": "x", "q": q})
        groups = {group["name"]: group["items"] for group in answer.json()["groups"]}
        return {item["expr"]: item.get("origin") for item in groups[name]}

    assert await origins() == {"results.u": None, "results.t": "annotation", "results.a": None}
    await server.edit(draft, {"op": "set_sample", "name": "n", "value": 4})
    assert await origins("Flow input") == {"flow_input.n": "sample", "flow_input.m": "schema"}
    await run_a(server, draft, cells["a"], {"n": 1, "needle": 2})
    assert (await origins())["results.a"] == "result"
    assert (await origins(q="needle"))["results.a.needle"] == "result"
    query = {"cell": cells["b"], "expr": "results.a"}
    inside = await server.client.get(f"/api/w/main/drafts/{draft}/picker/children", params=query)
    assert {item["origin"] for item in inside.json()["items"]} == {"result"}
    await server.edit(draft, {"op": "set_code", "cell": cells["a"], "code": "def main():\n    return other()\n"})
    assert (await origins())["results.a"] == "old_result"
    await server.edit(
        draft,
        {"op": "keep_stand_in", "cell": cells["u"], "name": "one", "value": 1},
        {"op": "use_stand_in", "cell": cells["u"], "name": "one"},
    )
    assert (await origins())["results.u"] == "stand_in"


async def test_what_a_rule_is_about_is_told_in_the_words_of_the_documentation(server: Server) -> None:
    for rule in RULES_ALL:
        answer = await server.client.get(f"/api/w/main/lint_rules/{rule}")
        assert answer.status_code == 200, rule
        assert answer.json()["rule"] == rule and "**Fix**" in answer.json()["text"]
    found = (await server.client.get("/api/w/main/lint_rules/id.missing")).json()
    assert found["severity"] == "error" and found["text"].startswith("*Error.* A step has no id.\n\n**Why** ")
    unknown = await server.client.get("/api/w/main/lint_rules/no.such")
    assert unknown.status_code == 404
    assert (await server.client.get("/api/w/main/lint_rules/..%2Fsettings")).status_code == 404
