"""Agents on a whole server: the jobs that clients see, and a cell of a notebook."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.api.api_product import Product
from tests.integration.api.api_server import flow_of, js
from tests.support.chat_server import ChatServerDouble, chat_server, said
from tests.unit.net.http_server import Answer as Reply

W = "/api/w/main"
KEY = "sk-very-secret"
CODE = "def main(item: str, currency: str):\n    print('looking')\n    return f'4 {currency} for {item}'\n"


@pytest.fixture
async def model() -> AsyncIterator[ChatServerDouble]:
    async with chat_server(said(None, ("price", {"item": "tea"})), said("Four.")) as server:
        yield server


def fixed(value: Any) -> dict[str, Any]:
    return {"type": "static", "value": value}


AGENT = {
    "id": "ask",
    "value": {
        "type": "aiagent",
        "input_transforms": {
            "provider": fixed({"kind": "customai", "resource": "$res:u/admin/ai", "model": "m"}),
            "user_message": js("flow_input.question"),
            "output_type": fixed("text"),
        },
        "tools": [
            {
                "id": "p",
                "summary": "price",
                "value": {
                    "tool_type": "flowmodule",
                    "type": "rawscript",
                    "language": "python3",
                    "content": CODE,
                    "input_transforms": {"item": {"type": "ai"}, "currency": fixed("EUR")},
                },
            }
        ],
    },
}
FLOW = flow_of(AGENT, question={"type": "string", "default": "How much is tea?"})


async def with_resource(product: Product, model: ChatServerDouble) -> None:
    body = {
        "path": "u/admin/ai",
        "value": {"base_url": model.url, "api_key": KEY},
        "resource_type": "customai",
    }
    answer = await product.client.post(f"{W}/resources/create", json=body)
    assert answer.status_code == 201, answer.text


async def test_clients_see_what_an_agent_did(product: Product, model: ChatServerDouble) -> None:
    await with_resource(product, model)
    body = {"value": FLOW["value"], "args": {"question": "Tea?"}}
    job = (await product.client.post(f"{W}/jobs/run/preview_flow", json=body)).text
    await product.ended(job)
    found = (await product.client.get(f"{W}/jobs_u/get/{job}")).json()
    assert found["result"]["output"] == "Four."
    assert model.http.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(found)
    (status,) = found["flow_status"]["modules"]
    message, call, last = status["agent_actions"]
    assert (message, last) == ({"type": "message"}, {"type": "message"})
    assert {name: call[name] for name in ("type", "function_name", "module_id")} == {
        "type": "tool_call",
        "function_name": "price",
        "module_id": "p",
    }
    assert status["agent_actions_success"] == [True, True, True]
    tool = (await product.client.get(f"{W}/jobs_u/get/{call['job_id']}")).json()
    assert (tool["result"], tool["args"]) == ("4 EUR for tea", {"item": "tea", "currency": "EUR"})
    assert (tool["raw_code"], tool["parent_job"], tool["flow_step_id"]) == (CODE, status["job"], "p")
    agent = (await product.client.get(f"{W}/jobs_u/get/{status['job']}")).json()
    assert (agent["job_kind"], agent["args"]["provider"]["resource"]) == ("aiagent", "$res:u/admin/ai")


async def test_an_agent_is_a_cell_that_runs(product: Product, model: ChatServerDouble) -> None:
    await with_resource(product, model)
    draft, cell = await product.draft(FLOW)
    detail = await product.run(draft, cells=[cell["ask"]])
    assert [(step["path"], step["status"]) for step in detail["steps"]] == [
        ("ask", "success"),
        ("ask/0:model", "success"),
        ("ask/1:p", "success"),
        ("ask/2:model", "success"),
    ]
    cells = await product.cells(draft)
    assert cells["ask"]["state"]["kind"] == "fresh"
    assert cells["ask"]["problems"] == []
    assert KEY not in str(cells)


async def test_clients_see_that_a_model_searched_the_web(product: Product) -> None:
    cited = [
        {
            "type": "url_citation",
            "url_citation": {"url": "https://example.com", "title": "", "start_index": 0, "end_index": 1},
        }
    ]
    async with chat_server(said("Four.", annotations=cited)) as model:
        await with_resource(product, model)
        agent: dict[str, Any] = AGENT
        search = {"id": "w", "value": {"tool_type": "websearch"}}
        value = {**agent["value"], "tools": [*agent["value"]["tools"], search]}
        body = {"value": {"modules": [{**agent, "value": value}]}, "args": {"question": "Tea?"}}
        job = (await product.client.post(f"{W}/jobs/run/preview_flow", json=body)).text
        await product.ended(job)
        assert model.asked[0]["web_search_options"] == {}
        found = (await product.client.get(f"{W}/jobs_u/get/{job}")).json()
        (status,) = found["flow_status"]["modules"]
        assert status["agent_actions"] == [{"type": "web_search"}, {"type": "message"}]
        assert status["agent_actions_success"] == [True, True]
        assert found["result"]["messages"][-1]["annotations"] == cited


async def deployed(product: Product, path: str, **inputs: Any) -> None:
    """The agent at a path, without its tool and with more inputs."""
    agent: dict[str, Any] = AGENT
    value = {**agent["value"], "tools": []}
    value["input_transforms"] = {**value["input_transforms"], **{name: fixed(item) for name, item in inputs.items()}}
    flow = flow_of({**agent, "value": value}, question={"type": "string"})
    answer = await product.client.post(f"{W}/flows/create", json={"path": path, **flow})
    assert answer.status_code == 201, answer.text


async def asked(product: Product, path: str, question: str, query: str = "", **more: Any) -> Any:
    """The result of a run of it."""
    address = f"{W}/jobs/run_wait_result/f/{path}{query}"
    answer = await product.client.post(address, json={"question": question}, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def person(product: Product, name: str) -> dict[str, str]:
    """Headers of somebody else in the workspace, who may do everything."""
    given = {"email": f"{name}@example.com", "password": "correct horse battery", "super_admin": False, "name": name}
    await product.client.post("/api/users/create", json=given)
    joined = {"email": given["email"], "username": name, "is_admin": True}
    await product.client.post(f"{W}/workspaces/add_user", json=joined)
    said = await product.client.post("/api/auth/login", json={name: given[name] for name in ("email", "password")})
    assert said.status_code == 200, said.text
    return {"Authorization": f"Bearer {said.text}"}


async def test_a_chat_remembers_for_who_had_it_and_a_named_memory_for_all(product: Product) -> None:
    async with chat_server(said("ok")) as model:
        await with_resource(product, model)
        await deployed(product, "f/agents/chat", memory={"kind": "auto", "context_length": 2})
        await asked(product, "f/agents/chat", "One?", "?memory_id=c1")
        await asked(product, "f/agents/chat", "Two?", "?memory_id=c1")
        await asked(product, "f/agents/chat", "Three?", "?memory_id=c1")
        await asked(product, "f/agents/chat", "Another?", "?memory_id=c2")
        await asked(product, "f/agents/chat", "None?")
        questions = [[m["content"] for m in body["messages"] if m["role"] == "user"] for body in model.asked]
        assert questions == [["One?"], ["One?", "Two?"], ["Two?", "Three?"], ["Another?"], ["None?"]]
        bob = await person(product, "bob")
        await product.client.post(f"{W}/resources/update/u/admin/ai", json={"path": "f/agents/ai"})
        provider = {"kind": "customai", "resource": "$res:f/agents/ai", "model": "m"}
        await deployed(product, "f/agents/open", memory={"kind": "auto", "memory_id": "team"}, provider=provider)
        await deployed(product, "f/agents/own", memory={"kind": "auto"}, provider=provider)
        for path in ("f/agents/open", "f/agents/own"):
            before = len(model.asked)
            await asked(product, path, "Mine?", "?memory_id=c1")
            await asked(product, path, "Bob's?", "?memory_id=c1", headers=bob)
            last = [m["content"] for m in model.asked[before + 1]["messages"] if m["role"] == "user"]
            assert last == (["Mine?", "Bob's?"] if path == "f/agents/open" else ["Bob's?"])


async def test_what_is_tried_in_a_draft_is_not_remembered_by_the_flow(product: Product) -> None:
    async with chat_server(said("ok")) as model:
        await with_resource(product, model)
        await deployed(product, "f/agents/tried", memory={"kind": "auto", "memory_id": "team"})
        opened = await product.client.post(f"{W}/flows/edit/f/agents/tried")
        assert opened.status_code in (200, 201), opened.text
        draft = opened.json()["id"]
        cells = await product.cells(draft)
        operation = {"op": "set_sample", "name": "question", "value": "Tried?"}
        body = {"client": "page", "ops": [operation]}
        (await product.client.post(f"{W}/drafts/{draft}/operations", json=body)).raise_for_status()
        await product.run(draft, cells=[cells["ask"]["id"]])
        await asked(product, "f/agents/tried", "For real?")
        questions = [[m["content"] for m in body["messages"] if m["role"] == "user"] for body in model.asked]
        assert questions == [["Tried?"], ["For real?"]]


async def test_stored_files_go_to_the_model_and_its_picture_is_one(product: Product) -> None:
    png = b"\x89PNG\r\n\x1a\n picture"
    drawing = Reply({"data": [{"b64_json": base64.b64encode(png).decode()}]})
    async with chat_server(said("A cat."), drawing) as model:
        await with_resource(product, model)
        stored = await product.client.post(f"{W}/job_helpers/upload_s3_file?file_key=u/admin/cat.png", content=png)
        key = stored.json()["file_key"]
        await deployed(product, "f/agents/sees", user_images=[{"s3": key}])
        assert (await asked(product, "f/agents/sees", "What is it?"))["output"] == "A cat."
        text, picture = model.asked[0]["messages"][-1]["content"]
        assert (text["text"], picture["image_url"]["url"].partition(",")[0]) == ("What is it?", "data:image/png;base64")
        await deployed(product, "f/agents/draws", output_type="image")
        made = (await asked(product, "f/agents/draws", "A dog"))["output"]
        found = await product.client.get(f"{W}/job_helpers/download_s3_file", params={"file_key": made["s3"]})
        assert found.content == png and made["s3"].endswith(".png")
        await deployed(product, "f/agents/gone", user_images=[{"s3": "u/admin/none.png"}])
        failed = await product.client.post(f"{W}/jobs/run_wait_result/f/f/agents/gone", json={"question": "?"})
        assert "u/admin/none.png" in failed.text and failed.status_code == 500
