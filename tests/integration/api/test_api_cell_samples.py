"""Sample data for a cell, over HTTP: looked at before, asked, taken as the stand-in in force; what goes wrong is told in words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.integration.api.api_server import Server, flow_of, script
from tests.integration.api.test_api_assistant_settings import change, model_server, told
from tests.unit.models.test_client import completion
from tests.unit.net.http_server import Answer, Request

W = "/api/w/main"
CODE = "def main(region: str) -> list[dict]:\n    return fetch(region)\n"
FLOW = flow_of(
    script("a", CODE), script("b", "def main(rows: list):\n    return len(rows)\n"), region={"type": "string"}
)
ROWS = [{"city": "Oslo", "rows": 3}]


async def opened(server: Server) -> tuple[str, str]:
    """A draft with a value of its input, and the id of its cell `a`."""
    draft = await server.draft(FLOW)
    await server.edit(draft, {"op": "set_sample", "name": "region", "value": "north"})
    return draft, str((await server.notebook(draft))["cells"][0]["id"])


def sampled(value: Any, **more: Any) -> Answer:
    return completion(json.dumps({"message": "One city.", "name": "one city", "value": json.dumps(value)}), **more)


async def asked(server: Server, draft: str, cell: str, **more: Any) -> Any:
    return await server.post(draft, "assist", {"instruction": "", "mode": "result", "cell": cell, **more})


async def test_it_is_shown_before_and_taken_as_a_stand_in(server: Server) -> None:
    draft, cell = await opened(server)
    requests: list[Request] = []

    def answer(request: Request) -> Answer:
        requests.append(request)
        return sampled(ROWS)

    async with model_server(answer) as good:
        await change(server, base_url=f"{good.url}/v1", models={"edit": "large"})
        dry = await asked(server, draft, cell, dry=True)
        assert not requests and dry["model"] == "large" and dry["tokens"] > 0
        for part in ("def main(region: str)", '"result_to_make"', '"region": "north"'):
            assert part in dry["sent"], part
        found = await asked(server, draft, cell)
        assert requests[0].json["messages"][-1]["content"] in dry["sent"]
        (proposal,) = found["proposals"]
        assert (proposal["label"], proposal["step"], proposal["before"]) == ("Stand-in “one city” of a", "a", None)
        assert json.loads(proposal["after"]) == ROWS
        assert (await server.notebook(draft))["cells"][0]["stand_ins"] == [], "nothing before it is accepted"
    await server.edit(draft, *proposal["ops"])
    shown = (await server.notebook(draft))["cells"][0]
    assert shown["state"]["text"] == "Pinned: one city" and shown["stand_ins"][0]["value"] == ROWS
    answers = (await server.post(draft, "connect", {"cell": (await server.notebook(draft))["cells"][1]["id"]}))[
        "proposals"
    ]
    assert answers[0]["expr"] == "results.a" and answers[0]["evaluated"], "cells below are wired to it"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sampled({"city": "Oslo"}), "does not fit what the cell declares to return: {"),
        (sampled(["Oslo"]), "at $[0]: 'Oslo' is not of type 'object'."),
        (sampled(ROWS, finish="length"), "was cut off"),
        (completion("I cannot do that."), "is not JSON"),
        (completion(None, refusal="No."), "declined to answer"),
        (Answer({"error": {"message": "boom"}}, 500), "500"),
        (Answer(b"hello"), "cannot be read"),
    ],
)
async def test_what_goes_wrong_is_told_and_proposes_nothing(server: Server, answer: Answer, words: str) -> None:
    draft, cell = await opened(server)
    async with model_server(lambda _: answer) as bad:
        await change(server, base_url=f"{bad.url}/v1")
        found = await asked(server, draft, cell)
    assert found["proposals"] == [] and found["notice"] and words in found["notice"], found["notice"]


async def test_it_streams_its_words_and_comes_whole(server: Server) -> None:
    draft, cell = await opened(server)
    text = json.dumps({"message": "One city.", "name": "one city", "value": json.dumps(ROWS)})

    async def pieces() -> AsyncIterator[bytes]:
        for part in (text[:17], text[17:]):
            yield b"data: " + json.dumps({"choices": [{"delta": {"content": part}}]}).encode() + b"\n\n"
        yield b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'

    streamed: Callable[[Request], Answer] = lambda _: Answer(pieces())  # noqa: E731
    async with model_server(streamed) as good:
        await change(server, base_url=f"{good.url}/v1")
        body = {"instruction": "", "mode": "result", "cell": cell, "stream": True}
        answer = await server.client.post(f"{W}/drafts/{draft}/assist", json=body)
    *texts, last = told(answer.text)
    assert "".join(event["text"] for event in texts) == "One city." and len(last["proposals"]) == 1


async def test_without_a_model_or_a_cell_it_says_what_is_missing(server: Server) -> None:
    draft, cell = await opened(server)
    found = await asked(server, draft, cell)
    assert found["proposals"] == [] and "No model is configured" in found["notice"]
    for wrong in ("", "gone"):
        body = {"instruction": "", "mode": "result", "cell": wrong}
        answer = await server.client.post(f"{W}/drafts/{draft}/assist", json=body)
        assert answer.status_code == 400 and "ell" in answer.json()["error"]["message"], answer.text


async def test_others_are_told_nothing_of_the_draft(server: Server) -> None:
    draft, cell = await opened(server)
    body = {"instruction": "", "mode": "result", "cell": cell, "dry": True}
    dora = await server.person("dora", "developer")
    assert (await dora.post(f"{W}/drafts/{draft}/assist", json=body)).status_code == 404


async def test_a_secret_variable_that_the_code_holds_is_not_sent(server: Server) -> None:
    stored = {"path": "u/admin/very_secret", "value": "sk-0815-abcdefgh", "is_secret": True, "description": ""}
    assert (await server.client.post(f"{W}/variables/create", json=stored)).status_code == 201
    draft, cell = await opened(server)
    await server.edit(draft, {"op": "set_sample", "name": "region", "value": "sk-0815-abcdefgh"})
    await server.edit(draft, {"op": "set_code", "cell": cell, "code": f"{CODE}# sk-0815-abcdefgh\n"})
    sent = (await asked(server, draft, cell, dry=True))["sent"]
    assert "def main(region" in sent and "sk-0815" not in sent
