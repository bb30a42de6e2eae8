"""Agents on a whole server: the jobs that clients see, and a cell of a notebook."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.compose import open_services
from flowapp.settings import Settings
from tests.integration.api.api_server import TOKEN, flow_of, js
from tests.integration.api.test_api_real_runs import Product
from tests.support.chat_server import ChatServerDouble, chat_server, said

W = "/api/w/main"
KEY = "sk-very-secret"
CODE = "def main(item: str, currency: str):\n    print('looking')\n    return f'4 {currency} for {item}'\n"


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    settings = Settings(home=tmp_path, token=TOKEN, idle_runners=2, allowed_hosts="127.0.0.1")
    async with open_services(settings) as services:
        made = Product(services.workspace)
        yield made
        await made.client.aclose()


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
