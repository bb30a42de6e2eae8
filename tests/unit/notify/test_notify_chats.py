"""Messages in Slack and Teams: what goes out, and why one does not. No sentence holds a token or the address of a webhook."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.net import AddressPolicy
from flowapp.notify import ChatMessage, NotSent, Slack, WebAddress, send_to_slack, send_to_teams
from tests.unit.net.http_server import Answer, Request, http_server

TOKEN = "xoxb-quite-secret"
HERE = AddressPolicy.parse("127.0.0.1")
MESSAGE = ChatMessage("*Buy* <it>?", ["a <b> & c"], [("Open", "https://flows.example.org/approve/x")])


def answering(body: Any, status: int = 200) -> Any:
    async def answer(_: Request) -> Answer:
        return Answer(body, status)

    return answer


async def test_what_goes_to_slack() -> None:
    async with http_server(answering({"ok": True})) as server:
        await send_to_slack(Slack(TOKEN, f"{server.url}/api"), "C1", MESSAGE, HERE)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/api/chat.postMessage")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    text, context, actions = request.json["blocks"]
    assert text["text"]["text"] == "*Buy* <it>?"  # the step's own words may have marks
    assert context["elements"][0]["text"] == "a &lt;b&gt; &amp; c"
    assert actions["elements"][0]["url"] == "https://flows.example.org/approve/x"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"ok": False, "error": "not_in_channel"}, 200, "not_in_channel"),
        ({"ok": False, "error": "<script>"}, 200, "did not say why"),
        ([1], 200, "did not say why"),
        (b"<html>", 200, "did not say why"),
        ({"ok": True}, 429, "answered 429"),
        ({"ok": True}, 302, "answered 302"),
    ],
)
async def test_what_slack_does_not_take(body: Any, status: int, said: str) -> None:
    async with http_server(answering(body, status)) as server:
        with pytest.raises(NotSent) as refused:
            await send_to_slack(Slack(TOKEN, server.url), "C1", MESSAGE, HERE)
    assert said in refused.value.message and "secret" not in str(refused.value)


async def test_private_addresses_are_not_called() -> None:
    async with http_server(answering({"ok": True})) as server:
        with pytest.raises(NotSent):
            await send_to_slack(Slack(TOKEN, server.url), "C1", MESSAGE, AddressPolicy())
        with pytest.raises(NotSent):
            await send_to_teams(WebAddress(f"{server.url}/hook?sig=secret"), MESSAGE, AddressPolicy())
    assert server.requests == []


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"token": 7},
        {"token": ""},
        {"token": "a b"},
        {"token": "a\nb"},
        {"token": "ü"},
        {"token": "a", "api_url": "x"},
        {"token": "a", "api_url": "http://[::1"},
        {"token": "a", "api_url": 7},
    ],
)
def test_resources_that_are_none(value: dict[str, Any]) -> None:
    with pytest.raises(NotSent):
        Slack.of(value)


def test_a_token_is_not_in_what_is_printed() -> None:
    slack = Slack.of({"token": TOKEN})
    assert slack.api_url == "https://slack.com/api" and "secret" not in repr(slack)


async def test_what_goes_to_teams() -> None:
    async with http_server(answering(b"1", 202)) as server:
        await send_to_teams(WebAddress(f"{server.url}/hook"), MESSAGE, HERE)
    (attachment,) = server.requests[0].json["attachments"]
    assert attachment["content"]["actions"][0]["type"] == "Action.OpenUrl"
    assert [each["text"] for each in attachment["content"]["body"]] == ["*Buy* <it>?", "a <b> & c"]
