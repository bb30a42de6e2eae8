"""People with drafts of one flow, each in their own: who learns of whom, and that a newer version of the flow was deployed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.integration.api.api_server import CHAIN, Server
from tests.integration.api.test_api_presence import servers as two_servers  # noqa: F401 - a fixture

W = "/api/w/main"
PATH = "f/team/chain"
Said = dict[str, Any]


@dataclass
class Colleague:
    """Somebody with a draft of the flow open in a page, and what their page's event stream told them."""

    server: Server
    http: httpx.AsyncClient
    name: str
    draft: str
    said: list[Said] = field(default_factory=list)
    all_said: list[Said] = field(default_factory=list)
    listening: asyncio.Task[None] | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Open the stream as a page does."""
        person = await self.server.workspace.sessions.identity_named(self.name, "main")
        stream = await self.server.workspace.streams.open(person, [f"draft:{self.draft}"], _always)
        opened = asyncio.Event()

        async def read() -> None:
            async for message in stream:
                if message is not None:
                    self.said.append(message)
                    self.all_said.append(message)
                    self.told.set()
                    opened.set()

        self.listening = asyncio.create_task(read())
        await opened.wait()

    async def cell(self, step: str) -> str:
        answer = await self.http.get(f"{W}/drafts/{self.draft}/notebook")
        return next(str(cell["id"]) for cell in answer.json()["cells"] if cell["step_id"] == step)

    async def beat(self, step: str = "", **more: Any) -> None:
        body = {"client": f"page of {self.name}", "cell": await self.cell(step) if step else "", **more}
        answer = await self.http.post(f"{W}/drafts/{self.draft}/presence", json=body)
        assert answer.status_code == 200, answer.text

    async def edit(self, *ops: dict[str, Any]) -> None:
        answer = await self.http.post(f"{W}/drafts/{self.draft}/operations", json={"client": "page", "ops": list(ops)})
        assert answer.status_code == 200, answer.text

    async def deploy(self, **more: Any) -> None:
        answer = await self.http.post(f"{W}/drafts/{self.draft}/deploy", json=more)
        assert answer.status_code == 200, answer.text

    async def until(self, kind: str, wanted: Callable[[Said], bool] = lambda _: True) -> Said:
        """The first message of a type that is as wanted, of those not asked for yet."""
        async with asyncio.timeout(60):
            while True:
                while self.said:
                    message = self.said.pop(0)
                    if message["type"] == kind and wanted(message):
                        return message
                self.told.clear()
                await self.told.wait()

    async def team(self, wanted: Callable[[dict[str, Said]], bool]) -> dict[str, Said]:
        """The people in drafts of the flow by name, once they are as wanted."""
        message = await self.until("team", lambda said: wanted(_by_user(said)))
        return _by_user(message)

    async def heard(self) -> list[Said]:
        """All that was said until now: an event of one's own draft comes after it."""
        await self.edit({"op": "set_flow", "summary": "to be heard"})
        async with asyncio.timeout(60):
            while not any(message["type"] == "change" for message in self.said):
                self.told.clear()
                await self.told.wait()
        return self.said


async def _always() -> bool:
    return True


def _by_user(message: Said) -> dict[str, Said]:
    return {one["user"]: one for one in message["people"]}


@dataclass
class Office:
    """Makes colleagues on a server, each with their own draft of the flow."""

    server: Server
    people: list[Colleague] = field(default_factory=list)

    async def flow(self) -> Colleague:
        """The admin, whose draft is deployed as version 1."""
        draft = await self.server.draft(CHAIN, path=PATH)
        await self.server.post(draft, "deploy", {})
        return await self.opened(self.server, self.server.client, "admin", draft)

    async def colleague(self, name: str, role: str = "developer", server: Server | None = None) -> Colleague:
        server = server or self.server
        http = await server.person(name, role)
        made = await http.post(f"{W}/flows/edit/{PATH}")
        assert made.status_code < 300, made.text
        return await self.opened(server, http, name, made.json()["id"])

    async def opened(self, server: Server, http: httpx.AsyncClient, name: str, draft: str) -> Colleague:
        person = Colleague(server, http, name, draft)
        self.people.append(person)
        await person.listen()
        return person


@asynccontextmanager
async def open_office(server: Server) -> AsyncIterator[Office]:
    made = Office(server)
    yield made
    streams = [person.listening for person in made.people if person.listening is not None]
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)


@pytest.fixture
async def office(server: Server) -> AsyncIterator[Office]:
    async with open_office(server) as made:
        yield made


async def folder(office: Office, **parts: bool) -> None:
    """Let the folder name people: who is not in it knows of nothing there."""
    body = {"name": "team", "owners": ["u/admin"], "extra_perms": {f"u/{name}": may for name, may in parts.items()}}
    (await office.server.client.post(f"{W}/folders/create", json=body)).raise_for_status()


class TestWhoIsInOtherDrafts:
    async def test_two_developers_see_in_which_step_the_other_is(self, office: Office) -> None:
        await office.flow()
        ben, dora = await office.colleague("ben"), await office.colleague("dora")
        assert ben.draft != dora.draft
        await ben.beat(hello=True)
        await dora.beat("a")
        assert (await ben.team(lambda people: "dora" in people))["dora"] == {
            "user": "dora", "name": "dora", "step": "a", "typing": False, "changed": False,
        }  # fmt: skip
        assert "ben" in await dora.team(lambda people: "ben" in people)
        await dora.beat("b", typing=True)
        assert (await ben.team(lambda people: people["dora"]["step"] == "b"))["dora"]["typing"] is True
        await dora.beat(leave=True)
        await ben.team(lambda people: "dora" not in people)
        assert (await ben.http.get(f"{W}/drafts/{dora.draft}/notebook")).status_code == 404, "the draft stays her own"

    async def test_whether_their_step_is_another_one_is_told_but_not_what_it_is(self, office: Office) -> None:
        await office.flow()
        ben, dora = await office.colleague("ben"), await office.colleague("dora")
        await ben.beat(hello=True)
        await dora.edit(
            {"op": "set_code", "cell": await dora.cell("a"), "code": "def main():\n    return 'secret plan'\n"}
        )
        await dora.beat("a")
        assert (await ben.team(lambda people: "dora" in people))["dora"]["changed"] is True
        await dora.beat("b")
        assert (await ben.team(lambda people: people["dora"]["step"] == "b"))["dora"]["changed"] is False
        await dora.edit({"op": "set_title", "cell": await dora.cell("b"), "title": "Counted anew"})
        await dora.beat("b")
        await ben.team(lambda people: people["dora"]["changed"])
        assert "dora" in str(ben.all_said) and "secret" not in str(ben.all_said) and "anew" not in str(ben.all_said)

    async def test_a_step_that_the_flow_does_not_have_yet_is_told_by_its_id(self, office: Office) -> None:
        await office.flow()
        ben, dora = await office.colleague("ben"), await office.colleague("dora")
        await ben.beat(hello=True)
        await dora.edit({"op": "rename_step", "cell": await dora.cell("b"), "step_id": "count"})
        await dora.beat("count")
        found = (await ben.team(lambda people: "dora" in people))["dora"]
        assert (found["step"], found["changed"]) == ("count", True)

    async def test_pages_of_one_person_are_one_for_each_step(self, office: Office) -> None:
        await office.flow()
        ben, dora = await office.colleague("ben"), await office.colleague("dora")
        await ben.beat(hello=True)
        for client, typing in (("one", False), ("two", True)):
            await dora.beat("a", client=client, typing=typing)
        await dora.beat("b", client="three")
        message = await ben.until("team", lambda said: {one["step"] for one in said["people"]} >= {"a", "b"})
        steps = [(one["step"], one["typing"]) for one in message["people"] if one["user"] == "dora"]
        assert steps == [("a", True), ("b", False)]

    async def test_who_may_not_read_the_flow_learns_of_nobody_and_is_not_told_of(self, office: Office) -> None:
        await office.flow()
        ben, cleo = await office.colleague("ben"), await office.colleague("cleo")
        await folder(office, ben=False)
        cleo.said.clear()
        outside = await office.opened(office.server, cleo.http, "cleo", cleo.draft)
        await outside.beat("a", typing=True, hello=True)
        await ben.beat("a", hello=True)
        assert set(await ben.team(lambda _: True)) == {"ben"}
        said = {message["type"] for message in await outside.heard()}
        assert said == {"hello", "presence", "change"}, "she is in her draft alone"

    async def test_whoever_may_only_look_in_the_folder_is_part_of_it(self, office: Office) -> None:
        await office.flow()
        await folder(office, rea=False, wim=True)
        rea, wim = await office.colleague("rea"), await office.colleague("wim")
        await rea.beat("a", hello=True)
        await wim.beat("a", hello=True)
        assert set(await rea.team(lambda people: len(people) == 2)) == {"rea", "wim"}

    async def test_a_draft_that_was_never_deployed_is_its_owner_s_alone(self, office: Office) -> None:
        draft = await office.server.draft(CHAIN, path=PATH)
        admin = await office.opened(office.server, office.server.client, "admin", draft)
        await admin.beat("a", hello=True)
        assert "team" not in {said["type"] for said in await admin.heard()}
        await admin.deploy()
        await admin.beat("a")
        assert set(await admin.team(lambda _: True)) == {"admin"}, "from then on there is a flow"

    async def test_a_draft_that_is_deployed_elsewhere_belongs_to_the_other_flow(self, office: Office) -> None:
        admin = await office.flow()
        ben = await office.colleague("ben")
        await ben.beat("a", hello=True)
        await admin.beat("a", hello=True)
        await ben.team(lambda people: "admin" in people)
        await ben.deploy(path="f/team/other")
        await ben.beat("a")
        message = await ben.until("team", lambda said: said["topic"] == "flow:f/team/other")
        assert [one["user"] for one in message["people"]] == ["ben"]


class TestNewerVersions:
    async def test_open_notebooks_of_the_path_are_told_at_once(self, office: Office) -> None:
        admin = await office.flow()
        ben, dora = await office.colleague("ben"), await office.colleague("dora")
        await dora.deploy(message="Faster")
        for person in (admin, ben):
            assert await person.until("deployed") == {
                "type": "deployed", "topic": f"flow:{PATH}", "path": PATH, "version": 2, "by": "dora", "name": "dora",
            }  # fmt: skip

    async def test_also_of_what_the_command_line_stores(self, office: Office) -> None:
        admin = await office.flow()
        flow = (await admin.http.get(f"{W}/flows/get/{PATH}")).json()
        body = {name: flow[name] for name in ("summary", "value", "schema")}
        (await admin.http.post(f"{W}/flows/update/{PATH}", json=body)).raise_for_status()
        assert (await admin.until("deployed"))["version"] == 2

    async def test_not_who_may_not_read_the_flow(self, office: Office) -> None:
        admin = await office.flow()
        cleo = await office.colleague("cleo")
        await folder(office, dora=True)
        outside = await office.opened(office.server, cleo.http, "cleo", cleo.draft)
        await admin.deploy()
        await admin.until("deployed")
        assert "deployed" not in {said["type"] for said in await outside.heard()}


class TestDeployedByAnotherPerson:
    async def test_an_admin_deploys_somebody_s_draft_and_it_is_not_behind(self, office: Office) -> None:
        admin = await office.flow()
        dora = await office.colleague("dora")
        answer = await admin.http.post(f"{W}/drafts/{dora.draft}/deploy", json={})
        assert answer.status_code == 200, answer.text
        assert (await dora.until("deployed"))["by"] == "admin"
        change = await dora.until("change")
        assert change["draft"]["deployed_version"] == 2


class TestTwoServers:
    async def test_people_comments_and_versions_are_told_on_both(self, two_servers: tuple[Server, Server]) -> None:  # noqa: F811
        one, two = two_servers
        async with open_office(one) as office:
            await office.flow()
            ben = await office.colleague("ben")
            dora = await office.colleague("dora", server=two)
            await ben.beat(hello=True)
            await dora.beat(hello=True)
            pages = [asyncio.create_task(_keep(ben, "b")), asyncio.create_task(_keep(dora, "a", typing=True))]
            assert (await ben.team(lambda people: bool(people.get("dora", {}).get("step"))))["dora"]["typing"] is True
            assert (await dora.team(lambda people: bool(people.get("ben", {}).get("step"))))["ben"]["step"] == "b"
            said = {"cell": await dora.cell("a"), "text": "Why three?"}
            answer = await dora.http.post(f"{W}/drafts/{dora.draft}/comments", json=said)
            assert answer.status_code == 201, answer.text
            assert (await ben.until("comments"))["step"] == "a"
            (thread,) = (await ben.http.get(f"{W}/drafts/{ben.draft}/comments")).json()["threads"]
            assert thread["cell"] == await ben.cell("a")
            await dora.deploy()
            assert (await ben.until("deployed"))["version"] == 2
            for page in pages:
                page.cancel()


async def _keep(person: Colleague, step: str, **more: Any) -> None:
    """Beat as a page does, only faster."""
    while True:
        await person.beat(step, **more)
        await asyncio.sleep(0.1)
