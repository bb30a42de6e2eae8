"""Who has a draft open, in which cell, and who types there; with SQLite, and on two servers with PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowapp.expressions.evaluator import Evaluator
from flowapp.settings import Settings
from flowapp.store.events import Subscription
from flowapp.store.stores import Store
from flowapp.workspace import presence, roll
from flowapp.workspace.app import Workspace
from tests.integration.api.api_server import CHAIN, TOKEN, Runtimes, ScriptedEngine, Server

W = "/api/w/main"
People = list[dict[str, Any]]


class Page:
    """A page of somebody, with the events that its server sends it."""

    def __init__(self, server: Server, http: httpx.AsyncClient, draft: str, name: str) -> None:
        self.http, self.draft, self.name = http, draft, name
        self.events: Subscription = server.workspace.store.events.subscribe([f"draft:{draft}"])

    async def beat(self, status: int = 200, **more: Any) -> dict[str, Any]:
        answer = await self.http.post(f"{W}/drafts/{self.draft}/presence", json={"client": self.name, **more})
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def until(self, wanted: Callable[[People], bool], seconds: float = 5.0) -> People:
        """The first word about who is here that is as wanted."""
        async with asyncio.timeout(seconds):
            while True:
                event = await anext(self.events)
                if event.type == "presence" and wanted(event.data["people"]):
                    return list(event.data["people"])

    def silent(self) -> bool:
        """Whether nothing was said since the last look."""
        return self.events._queue.empty()


def clients(people: People) -> set[str]:
    return {one["client"] for one in people}


def holder(people: People, cell: str) -> str | None:
    return next((one["client"] for one in people if one["holds"] and one["cell"] == cell), None)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is silent for a moment is gone."""
    monkeypatch.setattr(roll, "GONE_S", 0.4)
    monkeypatch.setattr(roll, "SWEEP_S", 0.05)


@pytest.fixture
async def two(server: Server) -> tuple[Page, Page]:
    """Pages of the owner and of another admin."""
    draft = await server.draft(CHAIN)
    ben = await server.person("ben", "admin")
    return Page(server, server.client, draft, "p1"), Page(server, ben, draft, "p2")


class TestOneServer:
    async def test_a_page_comes_moves_and_goes(self, two: tuple[Page, Page]) -> None:
        mine, other = two
        assert await mine.beat(hello=True) == {"me": "admin", "every": presence.BEAT_S}
        assert clients(await mine.until(lambda _: True)) == {"p1"}
        await mine.beat()
        assert mine.silent(), "nothing new, nothing said"
        await other.beat(hello=True, cell="c1")
        people = await mine.until(lambda people: len(people) == 2)
        assert people[1] == {
            "user": "ben", "name": "ben", "client": "p2", "cell": "c1", "typing": False, "holds": False,
        }  # fmt: skip
        await other.beat(leave=True)
        assert clients(await mine.until(lambda people: len(people) == 1)) == {"p1"}

    @pytest.mark.usefixtures("hasty")
    async def test_who_is_silent_is_gone(self, two: tuple[Page, Page]) -> None:
        mine, other = two
        await other.beat(cell="c1", typing=True)
        await mine.beat(hello=True)
        assert holder(await mine.until(lambda people: len(people) == 2), "c1") == "p2"
        async with asyncio.timeout(60):
            while True:
                await mine.beat()
                if not mine.silent() and clients(await mine.until(lambda _: True)) == {"p1"}:
                    break
                await asyncio.sleep(0.02)

    async def test_who_began_first_holds_the_cell_until_it_is_taken_over(self, two: tuple[Page, Page]) -> None:
        mine, other = two
        await mine.beat(cell="c1", typing=True)
        await other.beat(cell="c1", typing=True, hello=True)
        assert holder(await other.until(lambda people: len(people) == 2), "c1") == "p1"
        await other.beat(cell="c1", take=True)
        assert holder(await mine.until(lambda people: holder(people, "c1") == "p2"), "c1") == "p2"
        await mine.beat(cell="c1", typing=True)
        assert mine.silent(), "typing on does not take it back"
        await mine.beat(cell="c1", take=True)
        await mine.until(lambda people: holder(people, "c1") == "p1")
        await mine.beat(cell="c1", typing=False)
        await other.until(lambda people: holder(people, "c1") == "p2")
        await other.beat(cell="c2", typing=True)
        people = await other.until(lambda people: holder(people, "c2") == "p2")
        assert holder(people, "c1") is None

    async def test_edits_are_taken_whoever_holds_the_cell(self, server: Server, two: tuple[Page, Page]) -> None:
        mine, other = two
        cell = (await server.notebook(mine.draft))["cells"][0]["id"]
        await other.beat(cell=cell, typing=True)
        await server.edit(mine.draft, {"op": "set_code", "cell": cell, "code": "def main():\n    return 1\n"})

    async def test_somebody_else_s_page_is_not_moved_by_its_name(self, two: tuple[Page, Page]) -> None:
        mine, other = two
        await mine.beat(cell="c1")
        other.name = "p1"
        await other.beat(cell="c2", hello=True)
        people = await other.until(lambda people: len(people) == 2)
        assert [(one["user"], one["cell"]) for one in people] == [("admin", "c1"), ("ben", "c2")]

    async def test_who_may_not_see_the_draft_is_not_in_it(self, server: Server, two: tuple[Page, Page]) -> None:
        stranger = Page(server, await server.person("dora", "developer"), two[0].draft, "p3")
        await stranger.beat(404)
        await stranger.beat(404, take=True, cell="c1")

    @pytest.mark.parametrize(
        "body", [{}, {"client": ""}, {"client": 5}, {"client": "p", "cell": []}, {"typing": "yes"}]
    )
    async def test_what_is_no_beat(self, server: Server, body: dict[str, Any]) -> None:
        draft = await server.draft(CHAIN)
        answer = await server.client.post(f"{W}/drafts/{draft}/presence", json=body)
        assert answer.status_code == 400

    async def test_so_many_pages_are_shown(self, two: tuple[Page, Page], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(roll, "MOST", 1)
        mine, other = two
        await mine.beat()
        assert (await other.beat())["me"] == "ben"
        await mine.beat(hello=True)
        assert clients(await mine.until(lambda _: True)) == {"p1"}


@pytest.fixture
async def servers(tmp_path: Path, postgres_database: str) -> AsyncIterator[tuple[Server, Server]]:
    async with AsyncExitStack() as stack:
        made = []
        for name in ("one", "two"):
            store = await Store.open(postgres_database, tmp_path / name)
            stack.push_async_callback(store.close)
            engine, evaluator = ScriptedEngine(store), Evaluator()
            secret = "the same secret key on every server, long enough"
            settings = Settings(home=tmp_path / name, token=TOKEN, database_url=postgres_database, secret_key=secret)
            workspace = Workspace(store, engine, evaluator, Runtimes(), settings)
            stack.push_async_callback(workspace.close)
            await workspace.start()
            made.append(Server(workspace, engine))
            stack.push_async_callback(made[-1].client.aclose)
        yield made[0], made[1]


class TestTwoServers:
    @pytest.mark.usefixtures("hasty")
    async def test_pages_of_both_see_each_other_until_one_is_silent(self, servers: tuple[Server, Server]) -> None:
        one, two = servers
        draft = await one.draft(CHAIN)
        here = Page(one, one.client, draft, "here")
        await here.beat(hello=True, cell="c1")
        there = Page(two, two.client, draft, "there")
        beating = asyncio.create_task(_keep(here, cell="c1"))
        await there.beat(hello=True)
        keeping = asyncio.create_task(_keep(there, cell="c2", typing=True))
        assert "here" in clients(await there.until(lambda people: len(people) == 2))
        assert holder(await here.until(lambda people: holder(people, "c2") is not None), "c2") == "there"
        keeping.cancel()  # its server is killed, or its person's network is gone
        assert clients(await here.until(lambda people: len(people) == 1)) == {"here"}
        beating.cancel()

    async def test_a_comment_of_one_is_told_on_the_other(self, servers: tuple[Server, Server]) -> None:
        one, two = servers
        draft = await one.draft(CHAIN)
        cell = (await two.notebook(draft))["cells"][0]["id"]
        there = Page(two, two.client, draft, "there")
        async with asyncio.timeout(60):
            written = await one.client.post(f"{W}/drafts/{draft}/comments", json={"cell": cell, "text": "hello"})
            assert written.status_code == 201
            while (event := await anext(there.events)).type != "comments":
                pass
        assert event.data == {"cell": cell}
        (thread,) = (await two.client.get(f"{W}/drafts/{draft}/comments")).json()["threads"]
        assert thread["comments"][0]["text"] == "hello"


async def _keep(page: Page, **more: Any) -> None:
    while True:
        await page.beat(**more)
        await asyncio.sleep(0.1)
