"""Agents that are resources, on a whole server: secrets stay secret, rights are those of the run, and their users are known."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.store.runs import job_id
from tests.integration.api.api_product import Product
from tests.integration.api.api_server import flow_of, js
from tests.integration.api.test_api_agents import CODE, KEY, W, asked, fixed, person, with_resource
from tests.support.chat_server import ChatServerDouble, chat_server, said

PATH = "u/admin/helper"


SECRET = "tool-secret-1234"


def tool(identity: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": identity, "summary": f"{identity}_it", "value": {"tool_type": "flowmodule", **value}}


def shared(**more: Any) -> dict[str, Any]:
    inputs = {"item": {"type": "ai"}, "currency": fixed("$var:u/admin/currency")}
    price = {"type": "rawscript", "language": "python3", "content": CODE, "input_transforms": inputs}
    find = {"type": "script", "path": "u/admin/find", "input_transforms": {"x": {"type": "ai"}}}
    return {
        "provider": {"kind": "customai", "resource": "$res:u/admin/ai", "model": "m"},
        "system_prompt": "Be brief.",
        "tools": [tool("price", price), tool("find", find)],
        **more,
    }


STEP = {
    "id": "ask",
    "value": {"type": "aiagent", "agent": PATH, "input_transforms": {"user_message": js("flow_input.question")}},
}
FLOW = flow_of(STEP, question={"type": "string", "default": "How much is tea?"})


async def stored(product: Product, model: ChatServerDouble) -> None:
    await with_resource(product, model)
    body = {"path": "u/admin/currency", "value": SECRET, "is_secret": True}
    assert (await product.client.post(f"{W}/variables/create", json=body)).status_code == 201
    script = {
        "path": "u/admin/find",
        "content": "def main(x: str):\n    return x\n",
        "language": "python3",
        "summary": "",
    }
    assert (await product.client.post(f"{W}/scripts/create", json=script)).status_code == 201
    resource = {"path": PATH, "value": shared(), "resource_type": "ai_agent"}
    assert (await product.client.post(f"{W}/resources/create", json=resource)).status_code == 201


async def test_it_runs_and_shows_no_secret(product: Product) -> None:
    turns = (said(None, ("price_it", {"item": "tea"})), said("Four."))
    async with chat_server(*turns) as model:
        await stored(product, model)
        draft, cell = await product.draft(FLOW)
        detail = await product.run(draft, cells=[cell["ask"]])
        assert [(step["path"], step["status"]) for step in detail["steps"]] == [
            ("ask", "success"),
            ("ask/0:model", "success"),
            ("ask/1:price", "success"),
            ("ask/2:model", "success"),
        ]
        assert model.http.requests[0].headers["authorization"] == f"Bearer {KEY}"
        # the tool's own answer, which says what it was given, goes to the model
        assert model.asked[1]["messages"][-1]["content"] == f"4 {SECRET} for tea"
        call = job_id(detail["run"]["id"], "ask/1:price")
        shown = (await product.client.get(f"{W}/jobs_u/get/{call}")).json()
        assert shown["args"]["currency"] == "$var:u/admin/currency", shown
        assert KEY not in str(await product.cells(draft))
        told = (await product.client.get(f"{W}/jobs_u/get/{detail['run']['id']}")).json()
        actions = told["flow_status"]["modules"][0]["agent_actions"]
        assert [one.get("function_name") for one in actions] == [None, "price_it", None]
        assert [one["rule"] for one in (await product.cells(draft))["ask"]["problems"]] == []


async def test_it_is_read_with_the_rights_of_the_run(product: Product) -> None:
    async with chat_server(said("Four.")) as model:
        await stored(product, model)
        vera = await person(product, "vera")
        await product.client.post(f"{W}/users/update/vera", json={"is_admin": False})
        body = {"value": FLOW["value"], "args": {"question": "Tea?"}}
        job = (await product.client.post(f"{W}/jobs/run/preview_flow", json=body, headers=vera)).text
        await product.ended(job)
        found = (await product.client.get(f"{W}/jobs_u/completed/get_result/{job}")).json()
        assert "no such resource" in found["error"]["message"], found
        assert model.asked == []


async def test_a_changed_agent_counts_for_the_next_run(product: Product) -> None:
    async with chat_server(said("One."), said("Two.")) as model:
        await stored(product, model)
        assert (
            await product.client.post(f"{W}/flows/create", json={"path": "u/admin/asks", **FLOW})
        ).status_code == 201
        assert (await asked(product, "u/admin/asks", "Tea?"))["output"] == "One."
        body = {"value": shared(system_prompt="Be long.")}
        assert (await product.client.post(f"{W}/resources/update_value/{PATH}", json=body)).status_code == 200
        assert (await asked(product, "u/admin/asks", "Tea?"))["output"] == "Two."
        assert [call["messages"][0]["content"] for call in model.asked] == ["Be brief.", "Be long."]


async def test_who_uses_it_and_what_it_uses(product: Product) -> None:
    async with chat_server() as model:
        await stored(product, model)
    assert (await product.client.post(f"{W}/flows/create", json={"path": "u/admin/asks", **FLOW})).status_code == 201
    for kind, path, users in (
        ("resource", PATH, ["flow u/admin/asks"]),
        ("resource", "u/admin/ai", [f"resource {PATH}"]),
        ("variable", "u/admin/currency", [f"resource {PATH}"]),
        ("script", "u/admin/find", [f"resource {PATH}"]),
    ):
        answer = await product.client.get(f"{W}/usages/{kind}/{path}")
        assert answer.json()["used_by"] == users, (kind, path, answer.text)


@pytest.mark.parametrize("value", [["a list"], {"tools": "none"}])
async def test_what_is_no_agent_is_said(product: Product, value: Any) -> None:
    body = {"path": PATH, "value": value, "resource_type": "ai_agent"}
    assert (await product.client.post(f"{W}/resources/create", json=body)).status_code == 201
    given = {"value": FLOW["value"], "args": {"question": "Tea?"}}
    answer = await product.client.post(f"{W}/jobs/run_wait_result/preview_flow", json=given)
    assert "is no agent" in answer.json()["error"]["message"], answer.text


async def test_a_cached_answer_is_of_the_agent_as_it_was(product: Product) -> None:
    turns = (said("One."), said("Two."), said("Three."))
    async with chat_server(*turns) as model:
        await stored(product, model)
        cached = flow_of({**STEP, "cache_ttl": 600}, question={"type": "string"})
        assert (
            await product.client.post(f"{W}/flows/create", json={"path": "u/admin/asks", **cached})
        ).status_code == 201
        for _ in range(2):
            assert (await asked(product, "u/admin/asks", "Tea?"))["output"] == "One."
        body = {"value": shared(system_prompt="Be long.")}
        assert (await product.client.post(f"{W}/resources/update_value/{PATH}", json=body)).status_code == 200
        assert (await asked(product, "u/admin/asks", "Tea?"))["output"] == "Two."
        found = (await product.client.get(f"{W}/scripts/get/p/u/admin/find")).json()
        newer = {"path": "u/admin/find", "content": "def main(x: str):\n    return x * 2\n", "language": "python3"}
        script = {**newer, "summary": "", "parent_hash": found["hash"]}
        assert (await product.client.post(f"{W}/scripts/create", json=script)).status_code == 201
        for _ in range(2):
            assert (await asked(product, "u/admin/asks", "Tea?"))["output"] == "Three."
