"""Web search by the provider of a model: what each kind is asked, and what is kept of what it found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowapp.engine.ports import FileContent
from flowapp.jsontext import loads
from tests.support.chat_server import said
from tests.unit.engine.agent_desk import PRICE, Desk, desk, error_of, price
from tests.unit.net.http_server import Answer as Reply

SEARCH = {"id": "w", "value": {"tool_type": "websearch"}}
PAGE = {"url": "https://example.com/tea", "title": "Tea", "start_index": 0, "end_index": 3}
CITED = [{"type": "url_citation", "url_citation": PAGE}]


def provider(at: Desk, kind: str, model: str = "m") -> dict[str, Any]:
    resource = {"api_key": "sk-secret", "base_url": at.server.url, "region": "eu-west-1"}
    return {"kind": kind, "resource": resource, "model": model}


def item(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"{kind}_1", "status": "completed", **more}


def told(text: str, annotations: Any = ()) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": list(annotations)}
    return item("message", role="assistant", content=[part])


def response(*output: dict[str, Any], **more: Any) -> Reply:
    """An answer of the Responses API."""
    usage = {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25}
    return Reply(
        {"id": "resp_1", "object": "response", "status": "completed", "output": output, "usage": usage, **more}
    )


@pytest.mark.parametrize(
    ("kind", "model", "sent"),
    [
        ("openai", "gpt-4o-search-preview", {"web_search_options": {}}),
        ("openai", "gpt-5-search-api", {"web_search_options": {}}),
        ("customai", "m", {"web_search_options": {}}),
        ("openrouter", "any/model", {"tools": [{"type": "openrouter:web_search"}]}),
        ("groq", "openai/gpt-oss-20b", {"tools": [{"type": "browser_search"}]}),
    ],
)
async def test_how_chat_completions_are_asked(kind: str, model: str, sent: dict[str, Any]) -> None:
    async with desk(said("Tea is good.", annotations=CITED)) as at:
        done = await at.run(at.agent(SEARCH, provider=provider(at, kind, model)))
        (asked,) = at.server.asked
        assert {name: asked.get(name) for name in sent} == sent
        assert at.server.http.requests[0].target == "/v1/chat/completions"
        answer = loads(done.value)["messages"][-1]
        assert answer["annotations"] == CITED
        assert answer["agent_action"] == {"type": "web_search"}


async def test_a_tool_of_the_provider_stands_beside_functions() -> None:
    turns = (said(None, ("price", {"item": "tea"})), said("Four.", executed_tools=[{"type": "browser_search"}]))
    async with desk(*turns, **{PRICE: lambda item, currency, count=1: 4}) as at:
        done = await at.run(at.agent(price(), SEARCH, provider=provider(at, "groq")))
        assert [tool["type"] for tool in at.server.asked[0]["tools"]] == ["function", "browser_search"]
        messages = loads(done.value)["messages"]
        assert [message.get("agent_action", {}).get("type") for message in messages] == [
            None,
            None,
            "tool_call",
            "web_search",
        ]


async def test_without_the_tool_nobody_searches() -> None:
    async with desk(said("ok")) as at:
        await at.run(at.agent(SEARCH, provider=provider(at, "openrouter"), enabled_tools=["price"]))
        await at.run(at.agent(provider=provider(at, "openai")))
        for asked in at.server.asked:
            assert "tools" not in asked and "web_search_options" not in asked


@pytest.mark.parametrize("kind", ["openai", "azure_openai"])
async def test_the_responses_api_searches_and_calls(kind: str) -> None:
    """The shapes are those of https://developers.openai.com/api/docs/guides/tools-web-search."""
    call = item("function_call", call_id="call_a", name="price", arguments='{"item": "tea"}')
    turns = (
        response(
            item("reasoning", summary=[]), item("web_search_call", action={"type": "search", "query": "tea"}), call
        ),
        response(told("Four.", [{"type": "url_citation", **PAGE}])),
    )
    async with desk(*turns, **{PRICE: lambda item, currency, count=1: f"{item} {currency}"}) as at:
        inputs = {"provider": provider(at, kind, "gpt-4o"), "system_prompt": "Be brief.", "max_completion_tokens": 50}
        done = await at.run(at.agent(price(), SEARCH, temperature=0.5, **inputs))
        first, second = at.server.asked
        assert [request.target for request in at.server.http.requests] == ["/v1/responses"] * 2
        function = first["tools"][1]
        assert first["tools"][0] == {"type": "web_search"}
        assert (function["type"], function["name"], function["parameters"]["required"]) == (
            "function",
            "price",
            ["item"],
        )
        asked = {"model": "gpt-4o", "temperature": 0.5, "max_output_tokens": 50, "store": False}
        assert {name: first[name] for name in asked} == asked
        begin = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How much?"}]
        assert first["input"] == begin
        assert second["input"] == [
            *begin,
            {"type": "function_call", "call_id": "call_a", "name": "price", "arguments": '{"item": "tea"}'},
            {"type": "function_call_output", "call_id": "call_a", "output": "tea EUR"},
        ]
        assert loads(done.value)["output"] == "Four."
        messages = loads(done.value)["messages"]
        assert messages[1]["agent_action"] == {"type": "web_search"}
        assert messages[-1]["annotations"] == CITED
        assert "agent_action" not in messages[-1]


async def test_the_responses_api_gives_an_answer_of_a_schema() -> None:
    schema = {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}
    async with desk(response(told('{"price": 4}'))) as at:
        done = await at.run(at.agent(SEARCH, provider=provider(at, "openai"), output_schema=schema))
        assert loads(done.value)["output"] == {"price": 4}
        assert at.server.asked[0]["text"]["format"] == {
            "type": "json_schema",
            "name": "output",
            "schema": schema,
            "strict": False,
        }


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (response(), "ModelMalformed"),
        (Reply({"object": "response"}), "ModelMalformed"),
        (
            response(told("a"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "ModelMalformed",
        ),
        (response(item("message", content=[{"type": "refusal", "refusal": "No."}])), "ModelRefused"),
        (Reply({"error": {"message": "bad key sk-secret"}}, status=401), "ModelDenied"),
    ],
)
async def test_a_bad_answer_of_the_responses_api_is_the_steps_error(reply: Reply, name: str) -> None:
    async with desk(reply) as at:
        error = error_of(await at.run(at.agent(SEARCH, provider=provider(at, "openai"))))
        assert error["name"] == name
        assert "sk-secret" not in json.dumps(error)


@pytest.mark.parametrize("kind", ["anthropic", "mistral", "deepseek", "googleai", "togetherai", "aws_bedrock"])
async def test_a_provider_without_search_says_so(kind: str) -> None:
    async with desk(said("ok")) as at:
        message = error_of(await at.run(at.agent(SEARCH, provider=provider(at, kind))))["message"]
        assert message.startswith(f"The provider {kind} has no web search here: give the agent a tool that searches")
        computed = {"type": "javascript", "expr": "flow_input.p"}
        again = await at.run(at.agent(SEARCH, provider=computed), args={"p": provider(at, kind)})
        assert error_of(again)["message"] == message
        assert at.server.asked == []


async def test_files_go_along() -> None:
    async with desk(response(told("A cat."))) as at:
        at.models.files = {
            "a": FileContent("a.png", "image/png", b"PNG"),
            "b": FileContent("b.pdf", "application/pdf", b"PDF"),
        }
        await at.run(at.agent(SEARCH, provider=provider(at, "openai"), user_images=[{"s3": "a"}, {"s3": "b"}]))
        text, picture, file = at.server.asked[0]["input"][-1]["content"]
        assert text == {"type": "input_text", "text": "How much?"}
        assert picture == {"type": "input_image", "image_url": "data:image/png;base64,UE5H"}
        assert file == {"type": "input_file", "filename": "b.pdf", "file_data": "data:application/pdf;base64,UERG"}
