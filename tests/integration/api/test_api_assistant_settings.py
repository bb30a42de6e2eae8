"""Which model a workspace asks: set by its admins, told to nobody, tested with a question, and seen by every server at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from flowapp.access.sessions import ADMIN_EMAIL
from flowapp.workspace.app import Workspace
from tests.integration.api.api_server import Runtimes, ScriptedEngine, Server, flow_of, script
from tests.unit.models.test_client import completion
from tests.unit.net.http_server import Answer, HttpServer, Request, http_server

W = "/api/w/main"
KEY = "sk-very-secret-key-0815"
STEP = flow_of(script("a", "def main(customer_email: str):\n    return 1\n"), email={"type": "string"})


UNUSABLE: list[dict[str, Any]] = [
    {"base_url": "ftp://x"},
    {"base_url": "models.example.com"},
    {"base_url": "https://user:pw@example.com/v1"},
    {"base_url": "https://example.com/v1?key=5"},
    {"base_url": "http://example.com:99999/"},
    {"base_url": 5},
    {"key": "ümlaut"},
    {"key": "two\nlines"},
    {"key": ["x"]},
    {"models": "small"},
    {"models": {"chat": "small"}},
    {"models": {"edit": 5}},
    {"message_tokens": 10},
    {"message_tokens": "many"},
    {"message_tokens": True},
    {"enabled": "yes"},
]


def reply(request: Request) -> Answer:
    """What a good model says to whatever it is asked."""
    said: dict[str, Any] = {
        "test": {"answer": "yes"},
        "flow_help": {"message": "It is fine.", "changes": []},
        "connect_inputs": {"proposals": [{"field": "customer_email", "expr": "flow_input.email", "why": "same"}]},
    }
    return completion(json.dumps(said[request.json["response_format"]["json_schema"]["name"]]))


@asynccontextmanager
async def model_server(
    answer: Callable[[Request], Answer] = reply, host: str = "127.0.0.1"
) -> AsyncIterator[HttpServer]:
    """An OpenAI-compatible server."""

    async def respond(request: Request) -> Answer:
        return answer(request)

    async with http_server(respond, host) as server:
        yield server


async def change(server: Server, status: int = 200, client: httpx.AsyncClient | None = None, **body: Any) -> Any:
    answer = await (client or server.client).post(f"{W}/assistant/settings", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def tried(server: Server, **body: Any) -> Any:
    answer = await server.client.post(f"{W}/assistant/test", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def asked(server: Server, draft: str, **more: Any) -> Any:
    return await server.post(draft, "assist", {"instruction": "Explain", "mode": "ask", **more})


def key_of(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


class TestSettings:
    async def test_nothing_is_set_at_first(self, server: Server) -> None:
        found = (await server.client.get(f"{W}/assistant/settings")).json()
        assert found == {
            "enabled": True,
            "base_url": "",
            "key_set": False,
            "private": False,
            "models": {"connect": "", "edit": ""},
            "message_tokens": None,
            "by": "",
            "defaults": {
                "base_url": "https://api.openai.com/v1",
                "key_set": False,
                "model": "gpt-4o-mini",
                "configured": False,
            },
        }

    async def test_a_change_is_of_what_it_names(self, server: Server) -> None:
        await change(server, base_url="https://models.example.com/v1/", key=KEY, models={"edit": "large"})
        found = await change(server, models={"connect": "small"}, message_tokens=8000)
        assert found["base_url"] == "https://models.example.com/v1"
        assert (found["key_set"], found["models"]) == (True, {"connect": "small", "edit": "large"})
        assert (found["message_tokens"], found["by"], found["enabled"]) == (8000, "admin", True)
        found = await change(server, base_url=None, key="", message_tokens=None, enabled=False)
        assert (found["base_url"], found["key_set"], found["message_tokens"]) == ("", False, None)
        assert (found["enabled"], found["models"]["edit"]) == (False, "large")

    async def test_what_cannot_be_used_is_refused_and_changes_nothing(self, server: Server) -> None:
        before = (await server.client.get(f"{W}/assistant/settings")).json()
        for body in UNUSABLE:
            refused = await change(server, 400, **body)
            assert refused["error"]["message"], body
            assert (await server.client.post(f"{W}/assistant/test", json=body)).status_code == 400, body
        assert (await server.client.get(f"{W}/assistant/settings")).json() == before

    async def test_only_admins_look_at_it_change_it_or_test_it(self, server: Server) -> None:
        for role in ("viewer", "operator", "developer"):
            person = await server.person(f"p-{role}", role)
            assert (await person.get(f"{W}/assistant/settings")).status_code == 403
            for what in ("settings", "test"):
                assert (await person.post(f"{W}/assistant/{what}", json={"base_url": "nonsense"})).status_code == 403

    async def test_the_key_is_stored_as_ciphertext_and_in_no_answer(self, server: Server) -> None:
        texts = [json.dumps(await change(server, base_url="https://models.example.com/v1", key=KEY))]
        ada = await server.person("ada", "admin")
        for path in (
            "assistant/settings",
            "audit/list",
            "audit/export",
            "workspaces/tarball",
            "workspaces/get_retention",
        ):
            texts.append((await ada.get(f"{W}/{path}")).text)
        texts.append((await ada.get("/api/workspaces/list")).text)
        row = await server.workspace.store.database.read(
            lambda c: c.exec_driver_sql("SELECT settings FROM workspace WHERE id = 'main'").scalar_one()
        )
        assert "models.example.com" in row
        assert not any(KEY in text for text in [*texts, row])

    async def test_every_change_is_in_the_trail(self, server: Server) -> None:
        await change(server, base_url="https://models.example.com/v1", key=KEY, models={"edit": "large"})
        await change(server, enabled=False)
        trail = (await server.client.get(f"{W}/audit/list", params={"operation": "workspace.assistant_model"})).json()
        texts = [json.dumps(entry) for entry in trail]
        assert len(texts) == 2 and "off" in texts[0]
        assert "https://models.example.com/v1" in texts[1] and "a new key" in texts[1] and "edit: large" in texts[1]

    async def test_a_key_does_not_follow_its_address_to_another_server(self, server: Server) -> None:
        async with model_server() as good, model_server() as other:
            await change(server, base_url=f"{good.url}/v1", key=KEY)
            assert (await tried(server, base_url=f"{good.url}/v2"))["ok"] is True
            assert key_of(good.requests[0]) == KEY
            assert (await tried(server, base_url=f"{other.url}/v1"))["ok"] is True
            assert key_of(other.requests[0]) == "none"
            assert (await change(server, base_url=f"{other.url}/v1"))["key_set"] is False

    async def test_the_servers_key_does_not_go_to_a_workspaces_address(self, server: Server) -> None:
        with_environment(server, openai_api_key="key-of-the-server", openai_model="servers-model")
        async with model_server() as own:
            found = await tried(server, base_url=f"{own.url}/v1")
        assert (found["ok"], found["model"], key_of(own.requests[0])) == (True, "servers-model", "none")


class TestPrivateAddresses:
    """127.0.0.1 is allowed by the test's server; 127.0.0.2 is as private, and nobody has named it."""

    async def test_an_admin_of_the_workspace_alone_reaches_no_private_server(self, server: Server) -> None:
        ada = await server.person("ada", "admin")
        async with model_server(host="127.0.0.2") as private:
            stored = await change(server, client=ada, base_url=f"{private.url}/v1")
            assert stored["private"] is False
            for client in (ada, server.client):  # who asks does not matter: who chose the address does
                found = (await client.post(f"{W}/assistant/test", json={})).json()
                assert found["ok"] is False
                assert "private or local address" in found["message"] and "FLOWAPP_ALLOWED_HOSTS" in found["hint"]
            await change(server, models={"edit": "x"}, base_url=f"{private.url}/v1")
            assert (await tried(server))["ok"] is False  # a change of something else does not make it trusted
            assert private.requests == []

    async def test_an_admin_of_the_server_chooses_it_and_only_that_address(self, server: Server) -> None:
        ada = await server.person("ada", "admin")
        async with model_server(host="127.0.0.2") as private, model_server(host="127.0.0.2") as other:
            assert (await change(server, base_url=f"{private.url}/v1"))["private"] is True
            found = (await ada.post(f"{W}/assistant/test", json={"models": {"edit": "large"}})).json()
            assert (found["ok"], found["model"]) == (True, "large")
            away = (await ada.post(f"{W}/assistant/test", json={"base_url": f"{other.url}/v1"})).json()
            assert away["ok"] is False and other.requests == []
            assert (await change(server, client=ada, base_url=f"{other.url}/v1"))["private"] is False

    async def test_a_token_that_may_not_manage_the_server_does_not_choose_it(self, server: Server) -> None:
        sessions = server.workspace.sessions
        token = await sessions.issue_api_token(ADMIN_EMAIL, "narrow", workspace="main")
        narrow = server.make_client({"authorization": f"Bearer {token}"})
        stored = await change(server, client=narrow, base_url="http://127.0.0.2:9/v1")
        assert stored["private"] is False
        assert (await narrow.get(f"{W}/audit/list", params={"installation": "true"})).status_code == 403

    async def test_the_address_of_the_environment_is_trusted(self, server: Server) -> None:
        async with model_server(host="127.0.0.2") as private:
            with_environment(server, openai_base_url=f"{private.url}/v1", openai_api_key="key-of-the-server")
            assert (await tried(server))["ok"] is True
            assert key_of(private.requests[0]) == "key-of-the-server"
            await change(server, key=KEY)
            assert (await tried(server))["ok"] is True
            assert key_of(private.requests[1]) == KEY


def with_environment(server: Server, **changed: Any) -> None:
    """As if the server had been started with these settings."""
    settings = replace(server.workspace.settings, **changed)
    server.workspace.assistant_settings._server = settings
    server.workspace.helping._models._server = settings


class TestTestingIt:
    async def test_the_role_and_what_it_took_are_told(self, server: Server) -> None:
        async with model_server() as good:
            await change(server, base_url=f"{good.url}/v1", models={"connect": "small", "edit": "large"})
            found = await tried(server, role="connect")
            assert (found["ok"], found["message"], found["model"]) == (True, "The model answers.", "small")
            assert (found["tokens"], found["server"]) == (25, f"127.0.0.1:{good.port}") and found["ms"] >= 0
            assert (await tried(server))["model"] == "large"
            refused = await server.client.post(f"{W}/assistant/test", json={"role": "poet"})
            assert refused.status_code == 400 and "connect, edit" in refused.json()["error"]["hint"]

    async def test_what_is_wrong_is_said_in_words(self, server: Server) -> None:
        answers = {
            "does not accept the key": Answer({"error": {"message": "bad key"}}, 401),
            "does not know a model 'large'": Answer({"error": {"message": "model not found"}}, 404),
            "status 404": Answer(b"<html>", 404, {"content-type": "text/html"}),
            "not JSON": completion("yes"),
            "cannot be read": Answer(b"hello"),
        }
        given = iter(answers.values())
        async with model_server(lambda _: next(given)) as bad:
            for words in answers:
                found = await tried(server, base_url=f"{bad.url}/v1", models={"edit": "large"}, key=KEY)
                assert found["ok"] is False and words in found["message"] and found["hint"]
                assert KEY not in json.dumps(found)

    async def test_a_server_that_is_not_there_and_none_at_all(self, server: Server) -> None:
        async with model_server() as gone:
            address = f"{gone.url}/v1"
        assert "cannot be reached" in (await tried(server, base_url=address))["message"]
        assert "No model is configured" in (await tried(server))["message"]
        assert "switched off" in (await tried(server, enabled=False, base_url=address))["message"]

    async def test_nothing_is_stored(self, server: Server) -> None:
        before = (await server.client.get(f"{W}/assistant/settings")).json()
        await tried(server, base_url="http://127.0.0.1:9/v1", key=KEY, message_tokens=5000)
        assert (await server.client.get(f"{W}/assistant/settings")).json() == before


class TestAsking:
    async def test_each_role_asks_its_model_and_off_asks_none(self, server: Server) -> None:
        draft = await server.draft(STEP)
        cell = (await server.notebook(draft))["cells"][0]["id"]
        connect = {"flow": STEP, "step_id": "a", "use_model": True}
        async with model_server() as good:
            await change(server, base_url=f"{good.url}/v1", models={"connect": "small", "edit": "large"})
            assert (await asked(server, draft))["message"] == "It is fine."
            found = await server.post(draft, "connect", {"cell": cell, "use_model": True})
            assert found["proposals"][0]["source"] == "model"
            assert (await server.client.post(f"{W}/assistant/connect", json=connect)).status_code == 200
            assert [request.json["model"] for request in good.requests] == ["large", "small", "small"]
            await change(server, enabled=False)
            assert "switched off" in (await asked(server, draft))["notice"]
            found = await server.post(draft, "connect", {"cell": cell, "use_model": True})
            assert "by name and type" in found["notice"] and "switched off" in found["notice"]
            assert len(good.requests) == 3

    async def test_what_is_sent_is_shown_with_where_it_goes_and_how_much_it_is(self, server: Server) -> None:
        draft = await server.draft(STEP)
        await change(server, base_url="https://models.example.com/v1", models={"edit": "large"})
        found = await asked(server, draft, dry=True)
        assert (found["model"], found["server"]) == ("large", "models.example.com")
        assert len(found["sent"]) / 8 < found["tokens"] < len(found["sent"])

    async def test_a_question_longer_than_a_message_is_not_sent(self, server: Server) -> None:
        long = script("a", "def main():\n    pass\n" + "# more\n" * 800)
        draft = await server.draft(flow_of(long))
        async with model_server() as good:
            await change(server, base_url=f"{good.url}/v1", message_tokens=1000)
            assert "a message may have 1,000" in (await asked(server, draft))["notice"]
            assert good.requests == []
            await change(server, message_tokens=None)
            assert (await asked(server, draft))["message"] == "It is fine."

    async def test_what_is_open_already_sees_a_change_at_once(self, server: Server) -> None:
        first = server.workspace
        second = Workspace(first.store, ScriptedEngine(first.store), first.evaluator, Runtimes(), first.settings)
        other = Server(second, ScriptedEngine(first.store))
        draft = await server.draft(STEP)
        async with model_server() as before, model_server() as later:
            for target in (before, later):
                await change(server, base_url=f"{target.url}/v1", key=KEY)
                assert (await asked(other, draft))["message"] == "It is fine."
            assert [len(target.requests) for target in (before, later)] == [1, 1]
            assert key_of(later.requests[0]) == KEY
        await other.client.aclose()
        second.stop_streams()


def told(text: str) -> list[dict[str, Any]]:
    """The events of a stream."""
    return [json.loads(part.removeprefix("data: ")) for part in text.strip().split("\n\n")]


class TestStreaming:
    @staticmethod
    def streamed(*parts: str) -> Callable[[Request], Answer]:
        async def pieces() -> AsyncIterator[bytes]:
            for part in parts:
                yield b"data: " + json.dumps({"choices": [{"delta": {"content": part}}]}).encode() + b"\n\n"
            yield b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
            yield b'data: {"choices": [], "usage": {"total_tokens": 41}}\n\ndata: [DONE]\n\n'

        return lambda _: Answer(pieces())

    async def stream(self, server: Server, draft: str) -> list[dict[str, Any]]:
        body = {"instruction": "Explain", "mode": "edit", "stream": True}
        answer = await server.client.post(f"{W}/drafts/{draft}/assist", json=body)
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
        return told(answer.text)

    async def test_only_the_message_comes_early_and_all_of_it_in_the_end(self, server: Server) -> None:
        draft = await server.draft(STEP)
        parts = ('{"message": "It is', ' fine.", "chan', 'ges": []}')
        async with model_server(self.streamed(*parts)) as good:
            await change(server, base_url=f"{good.url}/v1")
            *texts, last = await self.stream(server, draft)
        assert "".join(event["text"] for event in texts) == "It is fine."
        assert {event["type"] for event in texts} == {"text"}
        assert (last["type"], last["message"], last["tokens"]) == ("answer", "It is fine.", 41)
        assert last["proposals"] == [] and last["ms"] >= 0

    async def test_what_fails_in_the_middle_proposes_nothing(self, server: Server) -> None:
        draft = await server.draft(STEP)
        async with model_server(self.streamed('{"message": "It is', ' fine.", "changes": [{"kind": 5}]}')) as bad:
            await change(server, base_url=f"{bad.url}/v1")
            *texts, last = await self.stream(server, draft)
        assert texts and (last["message"], last["proposals"]) == ("", [])
        assert "agreed form" in last["notice"]

    async def test_without_streaming_or_without_a_model_there_is_one_event(self, server: Server) -> None:
        draft = await server.draft(STEP)
        (only,) = await self.stream(server, draft)
        assert only["type"] == "answer" and "No model is configured" in only["notice"]
        async with model_server() as plain:
            await change(server, base_url=f"{plain.url}/v1")
            (only,) = await self.stream(server, draft)
        assert only["message"] == "It is fine."

    async def test_a_question_that_is_none_is_refused_before_anything_streams(self, server: Server) -> None:
        draft = await server.draft(STEP)
        answer = await server.client.post(f"{W}/drafts/{draft}/assist", json={"instruction": " ", "stream": True})
        assert answer.status_code == 400 and answer.json()["error"]["message"]

    @pytest.mark.parametrize("how", ["the reader leaves", "the server stops"])
    async def test_the_model_is_left_when(self, server: Server, how: str) -> None:
        async def silent() -> AsyncIterator[bytes]:
            yield b'data: {"choices": [{"delta": {"content": "{\\"message\\": \\"Well"}}]}\n\n'
            await asyncio.Event().wait()

        draft = await server.draft(STEP)
        async with model_server(lambda _: Answer(silent())) as slow:
            await change(server, base_url=f"{slow.url}/v1")
            person = await server.workspace.sessions.person("test-token-0123456789")
            assert person is not None
            identity = await server.workspace.sessions.identity(person, "main")
            question = await server.workspace.helping.question(identity, draft, "Explain", mode="ask", cell=None)
            events = question.events()
            assert await anext(events) == {"type": "text", "text": "Well"}
            if how == "the reader leaves":
                await events.aclose()  # type: ignore[attr-defined]  # it is a generator
            else:
                server.workspace.stop_streams()
                assert [event async for event in events] == []
            await asyncio.wait_for(slow.left.wait(), 60)
