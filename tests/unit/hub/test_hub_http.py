"""A hub over HTTP: a real server answers, is broken, and goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.hub import HttpHub, Hub, HubPath, HubScriptMissing, HubUnreachable, HubUnusable
from flowapp.net.errors import PolicyInvalid
from flowapp.net.policy import AddressPolicy

SCRIPT = {
    "content": "export async function main() { return 1 }",
    "language": "deno",
    "lockfile": "",
    "schema": {"type": "object", "properties": {}},
    "summary": "Send a message",
}
PATH = HubPath.parse("hub/28145/slack/send_a_message")


class Web:
    """Answers by address, and counts."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        self.url = ""
        self.server: asyncio.Server | None = None

    def put(self, address: str, value: Any, status: int = 200) -> None:
        self.answers[address] = (status, value if isinstance(value, str) else json.dumps(value))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        address = head.split(" ")[1]
        self.asked.append(address)
        status, text = self.answers.get(address, (404, "no"))
        more = f"Location: {text}\r\n" if status == 302 else ""
        body = text.encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )
        await writer.drain()
        writer.close()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    made = Web()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def hub(web: Web, tmp_path: Path) -> AsyncIterator[HttpHub]:
    made = HttpHub(web.url, tmp_path)
    yield made
    await made.close()


async def test_a_version_is_fetched_once_and_needs_no_hub_from_then_on(web: Web, hub: HttpHub, tmp_path: Path) -> None:
    web.put("/raw2/28145", SCRIPT)
    first = await hub.script(PATH)
    assert (first.path, first.version, first.language, first.summary) == (str(PATH), "28145", "deno", "Send a message")
    assert first.schema == '{"type":"object","properties":{}}'
    web.put("/raw2/28145", {**SCRIPT, "content": "changed"})
    assert (await hub.script(PATH)).content == SCRIPT["content"]
    await web.stop()
    later = HttpHub(web.url, tmp_path)
    assert await later.script(PATH) == first
    await later.close()
    assert web.asked == ["/raw2/28145"]


async def test_another_hub_may_give_the_same_id_to_another_script(web: Web, hub: HttpHub, tmp_path: Path) -> None:
    web.put("/raw2/28145", SCRIPT)
    web.put("/other/raw2/28145", {**SCRIPT, "content": "other"})
    await hub.script(PATH)
    other = HttpHub(f"{web.url}/other/", tmp_path)
    assert (await other.script(PATH)).content == "other"
    await other.close()


async def test_many_at_once_ask_once(web: Web, hub: HttpHub) -> None:
    web.put("/raw2/28145", SCRIPT)
    found = await asyncio.gather(*(hub.script(PATH) for _ in range(10)))
    assert len({script.content for script in found}) == 1
    assert len(web.asked) == 1


async def test_a_schema_may_be_text(web: Web, hub: HttpHub) -> None:
    web.put("/raw2/28145", {**SCRIPT, "schema": '{"type": "object"}', "lockfile": "npm:x"})
    script = await hub.script(PATH)
    assert (script.schema, script.lock) == ('{"type":"object"}', "npm:x")


async def test_what_it_said_a_moment_ago_is_listed_without_asking(web: Web, tmp_path: Path) -> None:
    web.put("/searchData?approved=true", {"asks": [{"version_id": 1, "app": "a", "summary": "Send it"}]})
    hub = Hub.open(web.url, "", tmp_path)
    assert [shelf.asked for shelf in await hub.shelves(remote=False)] == [True, False]
    await hub.shelves()
    near = (await hub.shelves(remote=False))[1]
    assert ([entry.path for entry in near.entries], near.asked) == (["hub/1/a/send_it"], True)
    assert len(web.asked) == 1
    await hub.close()


async def test_so_is_that_it_did_not_answer(web: Web, tmp_path: Path) -> None:
    web.put("/searchData?approved=true", "no", 503)
    hub = Hub.open(web.url, "", tmp_path)
    await hub.shelves()
    near = (await hub.shelves(remote=False))[1]
    assert near.asked and near.problem is not None and len(web.asked) == 1
    hub.forget_failure()
    assert not (await hub.shelves(remote=False))[1].asked
    await hub.close()


async def test_down_and_not_fetched_names_hub_and_path(web: Web, hub: HttpHub) -> None:
    await web.stop()
    with pytest.raises(HubUnreachable) as told:
        await hub.script(PATH)
    assert web.url in told.value.message
    assert str(PATH) in told.value.message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, "no", HubScriptMissing),
        (500, "oops", HubUnreachable),
        (200, "<html>", HubUnusable),
        (200, "[]", HubUnusable),
        (200, '{"content": 1, "language": "deno"}', HubUnusable),
        (200, '{"content": "x"}', HubUnusable),
        (302, "http://127.0.0.1:1/", HubUnreachable),
        (302, "http://10.0.0.1/", HubUnreachable),
    ],
)
async def test_what_is_no_script_is_told_and_not_kept(
    web: Web, hub: HttpHub, status: int, body: str, kind: type[Exception]
) -> None:
    web.put("/raw2/28145", body, status)
    with pytest.raises(kind) as told:
        await hub.script(PATH)
    assert web.url in str(told.value)
    web.put("/raw2/28145", SCRIPT)
    assert (await hub.script(PATH)).content == SCRIPT["content"]


async def test_a_half_written_file_is_fetched_again(web: Web, hub: HttpHub, tmp_path: Path) -> None:
    web.put("/raw2/28145", SCRIPT)
    await hub.script(PATH)
    (file,) = tmp_path.rglob("28145.json")
    file.write_text(file.read_text()[:20])
    assert (await hub.script(PATH)).content == SCRIPT["content"]
    assert len(web.asked) == 2
    assert [each.name for each in file.parent.iterdir()] == ["28145.json"]


async def test_private_addresses_are_called_only_where_the_setting_names_them(tmp_path: Path, web: Web) -> None:
    web.put("/raw2/28145", "http://127.0.0.1:9/raw2/1", 302)
    hub = HttpHub(web.url, tmp_path, AddressPolicy())
    with pytest.raises(HubUnreachable, match="private or local"):
        await hub.script(PATH)
    await hub.close()
    with pytest.raises(PolicyInvalid):
        HttpHub("file:///etc", tmp_path)


async def test_the_list_is_kept_and_so_is_a_failure(web: Web, hub: HttpHub) -> None:
    with pytest.raises(HubScriptMissing):
        await hub.entries()
    with pytest.raises(HubScriptMissing):
        await hub.entries()
    assert len(web.asked) == 1
    hub._failed = None
    asks = [
        {"id": 5, "version_id": 28145, "app": "slack", "summary": "Send a message", "kind": "script"},
        {"id": 7, "app": "bad app!", "summary": "x"},
        "nonsense",
        {"id": 8, "app": "gmail", "summary": "New mail", "kind": "trigger"},
    ]
    web.put("/searchData?approved=true", {"asks": asks})
    assert [entry.path for entry in await hub.entries()] == ["hub/28145/slack/send_a_message", "hub/8/gmail/new_mail"]
    await web.stop()
    both = Hub([], hub)
    assert [entry.path for entry in await both.search("mail", kind="trigger")] == ["hub/8/gmail/new_mail"]
