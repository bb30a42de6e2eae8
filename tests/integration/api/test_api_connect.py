"""Connecting inputs of a draft over HTTP: one field, one cell or the whole flow; what a model is sent is what was shown before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowapp.workspace.assistance import Assistance
from tests.integration.api.api_server import Server, flow_of, js, script
from tests.integration.api.test_api_assistant_settings import change, model_server
from tests.unit.models.test_client import completion
from tests.unit.net.http_server import Answer, Request

ORDER = {"order_id": 7, "email": "ada@example.com", "rows": [1, 2], "empty": None}
LOAD = "def main(region: str):\n    return {}\n"
SEND = "def main(email: str, region: str, days: int, note: str = ''): pass"
BILL = "def main(order_id: int, region: str, days: str): pass"


def flow(**more: Any) -> dict[str, Any]:
    return flow_of(script("a", LOAD), script("b", SEND), script("c", BILL), **more)


async def opened(server: Server, made: dict[str, Any], run: bool = True) -> tuple[str, dict[str, str]]:
    """A draft in which a gave an order, and the ids of its cells by step."""
    draft = await server.draft(made)
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(draft))["cells"]}
    server.engine.answers = {"a": ORDER}
    if run:
        await server.run(draft, cells["a"])
    return draft, cells


async def connect(server: Server, draft: str, status: int = 200, **body: Any) -> Any:
    return await server.post(draft, "connect", body, status)


def rows(answer: Any) -> dict[str, tuple[str, str, Any]]:
    """What is proposed by `step.field`: the kind, the expression, and whether it is valid."""
    return {f"{one['step']}.{one['field']}": (one["kind"], one["expr"], one["valid"]) for one in answer["proposals"]}


async def test_the_whole_flow_is_proposed_cell_by_cell(server: Server) -> None:
    draft, _ = await opened(server, flow())
    answer = await connect(server, draft, whole=True)
    assert rows(answer) == {
        "a.region": ("input", "flow_input.region", True),
        "b.email": ("wire", "results.a.email", True),
        "b.region": ("input", "flow_input.region", True),
        "b.days": ("input", "flow_input.days", True),
        "c.order_id": ("wire", "results.a.order_id", True),
        "c.region": ("input", "flow_input.region", True),
        "c.days": ("input", "flow_input.c_days", True),
    }
    by_field = {f"{one['step']}.{one['field']}": one for one in answer["proposals"]}
    assert by_field["b.email"]["evaluated"]["text"] == "ada@example.com"
    assert by_field["b.region"]["input"]["shared"] == ["a.region", "c.region"]
    assert by_field["c.days"]["input"]["schema"]["type"] == "string"
    assert by_field["b.days"]["input"]["schema"]["type"] == "integer"
    assert answer["notice"] is None and answer["choices"] == []


async def test_what_is_accepted_of_it_is_one_step_that_is_taken_back(server: Server) -> None:
    draft, cells = await opened(server, flow())
    before = await server.notebook(draft)
    found = (await connect(server, draft, whole=True))["proposals"]
    properties = {one["input"]["name"]: one["input"]["schema"] for one in found if one["kind"] == "input"}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    wired = [
        {"op": "set_input", "cell": one["cell"], "field": one["field"], "transform": js(one["expr"])} for one in found
    ]
    await server.post(draft, "operations", {"client": "page", "ops": [{"op": "set_schema", "schema": schema}, *wired]})
    after = await server.notebook(draft)
    assert (await connect(server, draft, whole=True))["proposals"] == []
    assert set(after["input"]["schema"]["properties"]) == {"region", "days", "c_days"}
    assert not [problem for problem in after["problems"] if problem["rule"].startswith(("wire.", "input."))]
    await server.post(draft, "undo", {"client": "page"})
    undone = await server.notebook(draft)
    assert undone["input"]["schema"] == before["input"]["schema"]
    assert (await connect(server, draft, cell=cells["b"]))["proposals"]


async def test_one_field_is_proposed_whatever_it_has_and_no_other(server: Server) -> None:
    draft, cells = await opened(server, flow())
    answer = await connect(server, draft, cell=cells["b"], field="email")
    assert rows(answer) == {"b.email": ("wire", "results.a.email", True)}
    wired = {"op": "set_input", "cell": cells["b"], "field": "email", "transform": js("results.a.rows")}
    await server.post(draft, "operations", {"client": "page", "ops": [wired]})
    assert rows(await connect(server, draft, cell=cells["b"]))["b.region"][0] == "input"
    assert "b.email" not in rows(await connect(server, draft, cell=cells["b"]))
    answer = await connect(server, draft, cell=cells["b"], field="email")
    assert rows(answer) == {"b.email": ("wire", "results.a.email", True)}
    better = {**wired, "transform": js("results.a.email")}
    await server.post(draft, "operations", {"client": "page", "ops": [better]})
    answer = await connect(server, draft, cell=cells["b"], field="email")
    assert (answer["proposals"], answer["notice"]) == (
        [],
        "Nothing else that comes before fits email by name and type.",
    )
    refused = await connect(server, draft, 400, cell=cells["b"], field="nope")
    assert "'nope'" in refused["error"]["message"] and "email, region" in refused["error"]["hint"]
    assert "no longer there" in (await connect(server, draft, 400, cell="gone"))["error"]["message"]


async def test_what_is_not_right_is_never_called_valid(server: Server) -> None:
    code = "def main(order_id: int, rows: list, empty: str): pass"
    made = flow_of(script("a", "def main():\n    return {}\n"), script("b", code))
    draft, cells = await opened(server, made, run=False)
    server.engine.answers = {"a": {"order_id": 7, "rows": [1], "empty": None}}
    unknown = await connect(server, draft, cell=cells["b"])
    assert all(one["kind"] == "input" for one in unknown["proposals"])  # nothing is known of what a gives
    await server.run(draft, cells["a"])
    found = await connect(server, draft, cell=cells["b"])
    assert rows(found)["b.order_id"] == ("wire", "results.a.order_id", True)
    empty = next(one for one in found["proposals"] if one["field"] == "empty")
    assert (empty["kind"], empty["valid"]) == ("wire", False)
    assert empty["problem"] == empty["evaluated"]["problem"] == "empty needs a value, and this is empty."
    body = {"cell": cells["b"], "field": "order_id", "expr": "results.a.rows"}
    assert (await server.post(draft, "preview", body))[
        "problem"
    ] == "order_id takes a whole number, and this is a list."
    assert "problem" not in await server.post(draft, "preview", {**body, "expr": "results.a.order_id"})


async def test_where_two_fit_equally_well_a_person_is_asked(server: Server) -> None:
    made = flow_of(script("a", "def main():\n    return {}\n"), script("b", "def main(email: str): pass"))
    draft, cells = await opened(server, made, run=False)
    server.engine.answers = {"a": {"billing": {"email": "a@x.org"}, "shipping": {"email": "b@x.org"}}}
    await server.run(draft, cells["a"])
    answer = await connect(server, draft, cell=cells["b"])
    assert answer["proposals"] == []
    (choice,) = answer["choices"]
    assert (choice["step"], choice["field"]) == ("b", "email")
    assert set(choice["exprs"]) == {"results.a.billing.email", "results.a.shipping.email"}


def says(request: Request) -> Answer:
    asked = json.loads(request.json["messages"][1]["content"])
    fields = [each["field"] for each in asked["fields"]]
    found = {"email": "results.a.email", "days": "results.a.nothing", "order_id": "results.a.rows"}
    given = [{"field": name, "expr": found.get(name), "why": "it says so"} for name in fields]
    return completion(json.dumps({"proposals": given}))


def in_order(body: Any) -> str:
    """A body as a text that does not depend on the order of keys in an object."""
    return json.dumps(body, sort_keys=True)


async def test_what_was_shown_is_what_the_model_gets_word_by_word(server: Server) -> None:
    secret = {"path": "u/admin/key", "value": "hunter-22-hunter", "is_secret": True, "description": ""}
    assert (await server.client.post("/api/w/main/variables/create", json=secret)).status_code == 201
    database = {"host": "db.example.org", "password": "of-the-database-9"}
    resource = {"path": "u/admin/db", "value": database, "resource_type": "postgresql", "description": ""}
    assert (await server.client.post("/api/w/main/resources/create", json=resource)).status_code == 201
    login = {"type": "object", "properties": {"pin": {"type": "string", "password": True}}}
    properties = {"db": {"type": "object", "format": "resource-postgresql"}, "login": login}
    draft, cells = await opened(server, flow(**properties))
    server.engine.answers = {"a": {**ORDER, "note": "it is hunter-22-hunter", "dsn": "x of-the-database-9"}}
    typed = [
        {"op": "set_sample", "name": "db", "value": "$res:u/admin/db"},
        {"op": "set_sample", "name": "login", "value": {"pin": "pin-4711-pin"}},
        {
            "op": "set_input",
            "cell": cells["b"],
            "field": "note",
            "transform": {"type": "static", "value": "$var:u/admin/key"},
        },
    ]
    await server.post(draft, "operations", {"client": "page", "ops": typed})
    await server.run(draft, cells["a"])
    async with model_server(says) as model:
        await change(server, base_url=f"{model.url}/v1", key="key-of-the-model", models={"connect": "small"})
        for where in ({"whole": True}, {"cell": cells["b"]}, {"cell": cells["b"], "field": "email"}):
            shown = await connect(server, draft, **where, dry=True)
            assert model.requests == []  # nothing leaves before the press
            assert (shown["model"], shown["server"], shown["notice"]) == ("small", f"127.0.0.1:{model.port}", None)
            assert shown["tokens"] > 100
            await connect(server, draft, **where, use_model=True)
            received = [request.json for request in model.requests]
            order = {each["step"]: each["body"] for each in shown["requests"]}
            assert sorted(map(in_order, received)) == sorted(map(in_order, order.values()))
            assert list(order) == (["a", "b", "c"] if where == {"whole": True} else ["b"])
            text = json.dumps([shown, received])
            assert "ada@example.com" in text
            for hidden in ("hunter-22", "of-the-database", "pin-4711", "u/admin/db", "u/admin/key", "key-of-the-model"):
                assert hidden not in text, hidden
            model.requests.clear()


async def test_a_model_is_asked_for_each_cell_and_what_it_makes_up_or_gets_wrong_is_not_valid(server: Server) -> None:
    draft, _ = await opened(server, flow())
    async with model_server(says) as model:
        await change(server, base_url=f"{model.url}/v1")
        answer = await connect(server, draft, whole=True, use_model=True)
    assert rows(answer)["b.email"] == ("wire", "results.a.email", True)
    assert rows(answer)["b.days"] == ("input", "flow_input.days", True)
    assert rows(answer)["c.order_id"] == ("wire", "results.a.rows", False)
    assert "left out" in answer["notice"]


async def test_without_a_model_it_is_said_that_nothing_would_be_sent(server: Server) -> None:
    draft, cells = await opened(server, flow())
    shown = await connect(server, draft, cell=cells["b"], dry=True)
    assert (shown["requests"], shown["model"]) == ([], None)
    assert "No model is configured" in shown["notice"]


async def test_a_question_that_is_too_long_is_said_and_not_sent(server: Server) -> None:
    arguments = ", ".join(f"a_rather_long_name_of_a_field_{number}: str" for number in range(150))
    made = flow_of(script("a", f"def main({arguments}): pass"))
    draft = await server.draft(made)
    async with model_server(says) as model:
        await change(server, base_url=f"{model.url}/v1", message_tokens=1000)
        (request,) = (await connect(server, draft, whole=True, dry=True))["requests"]
        assert request["body"] is None and "tokens" in request["problem"]
        assert "tokens" in (await connect(server, draft, whole=True, use_model=True))["notice"]
        assert model.requests == []


async def test_who_may_not_edit_learns_nothing(server: Server) -> None:
    draft, _ = await opened(server, flow())
    vera = await server.person("vera", "viewer")
    for body in ({"whole": True}, {"whole": True, "dry": True}):
        answer = await vera.post(f"/api/w/main/drafts/{draft}/connect", json=body)
        assert answer.status_code in (403, 404)


async def test_a_document_that_is_not_stored_has_all_of_it_too(server: Server) -> None:
    body = {"flow": flow(), "step_id": "b", "samples": {"results": {"a": ORDER}}}

    async def post(**more: Any) -> Any:
        answer = await server.client.post("/api/w/main/assistant/connect", json={**body, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    found = await post()
    assert [(one["field"], one["value"], one["valid"]) for one in found["proposals"]] == [
        ("email", "ada@example.com", True)
    ]
    assert [(one["field"], one["name"], one["schema"]["type"]) for one in found["inputs"]] == [
        ("region", "region", "string"),
        ("days", "days", "integer"),
    ]
    one = await post(field="email")
    assert [each["field"] for each in one["proposals"]] == ["email"] and one["inputs"] == []
    async with model_server(says) as model:
        await change(server, base_url=f"{model.url}/v1")
        shown = await post(dry=True)
        assert model.requests == []
        await post(use_model=True)
        assert [request.json for request in model.requests] == [each["body"] for each in shown["requests"]]


async def test_an_input_of_the_flow_that_has_no_value_yet_is_right_by_its_type(server: Server) -> None:
    made = flow_of(
        script("b", "def main(region: str, days: int): pass"), region={"type": "string"}, days={"type": "string"}
    )
    draft, cells = await opened(server, made, run=False)
    by_field = {one["field"]: one for one in (await connect(server, draft, cell=cells["b"]))["proposals"]}
    region = by_field["region"]
    assert (region["kind"], region["expr"], region["valid"]) == ("wire", "flow_input.region", True)
    assert (region["evaluated"], region["problem"]) == (None, "")
    assert (by_field["days"]["kind"], by_field["days"]["input"]["name"]) == ("input", "b_days")
    body = {"cell": cells["b"], "field": "days", "expr": "flow_input.days"}
    assert (await server.post(draft, "preview", body))["problem"] == "days takes a whole number, and this is a text."
    assert "problem" not in await server.post(
        draft, "preview", {**body, "field": "region", "expr": "flow_input.region"}
    )


async def test_weaker_sources_are_named_beside_a_new_input(server: Server) -> None:
    made = flow_of(script("a", "def main():\n    return {}\n"), script("b", "def main(email_address: str): pass"))
    draft, cells = await opened(server, made, run=False)
    server.engine.answers = {"a": {"email": "ada@example.com"}}
    await server.run(draft, cells["a"])
    (found,) = (await connect(server, draft, cell=cells["b"]))["proposals"]
    assert (found["kind"], found["alternatives"]) == ("input", ["results.a.email"])


async def test_a_cell_that_goes_meanwhile_is_left_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, cells = await opened(server, flow())
    real = Assistance.scope

    async def slow(self: Assistance, *args: Any) -> Any:
        if cells:
            gone = [{"op": "delete_cell", "cell": cells["c"]}]
            cells.clear()
            await server.post(draft, "operations", {"client": "elsewhere", "ops": gone})
        return await real(self, *args)

    monkeypatch.setattr(Assistance, "scope", slow)
    assert "b.email" in (found := rows(await connect(server, draft, whole=True)))
    assert not [place for place in found if place.startswith("c.")]
