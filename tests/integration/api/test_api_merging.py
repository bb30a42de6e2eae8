"""Two people with drafts of one version of a flow: the second to deploy takes the first one's version in, and decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.integration.api.api_server import CHAIN, Server, flow_of, script

W = "/api/w/main"
PATH = "f/team/chain"


@dataclass
class Person:
    """Somebody with a draft of the flow."""

    http: httpx.AsyncClient
    draft: str

    async def ask(self, method: str, what: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.http.request(method, f"{W}/drafts/{self.draft}/{what}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def cell(self, step: str) -> str:
        """The id of a cell."""
        cells = (await self.ask("GET", "notebook"))["cells"]
        return next(str(cell["id"]) for cell in cells if cell["step_id"] == step)

    async def write(self, step: str, code: str) -> None:
        """Replace the code of a step."""
        await self.edit({"op": "set_code", "cell": await self.cell(step), "code": code})

    async def edit(self, *ops: dict[str, Any]) -> None:
        await self.ask("POST", "operations", {"client": "page", "ops": list(ops)})

    async def codes(self) -> dict[str, str]:
        """The code of each step in the draft."""
        flow = await self.ask("GET", "export?format=json")
        return {module["id"]: module["value"].get("content", "") for module in flow["value"]["modules"]}

    async def merge(self, status: int = 200, **choices: str) -> Any:
        """Decide and take in."""
        seen = await self.ask("GET", "merge")
        decided = {f"cell:{step}": side for step, side in choices.items()}
        body = {"version": seen["theirs"]["version"], "draft_version": seen["draft_version"], "choices": decided}
        return await self.ask("POST", "merge", body, status)


@pytest.fixture
async def two(server: Server) -> tuple[Person, Person]:
    """The admin and Ada, each with a draft of version 1."""
    first = await server.draft(CHAIN, path=PATH)
    await server.post(first, "deploy", {})
    ada = await server.person("ada", "admin")
    hers = (await ada.post(f"{W}/flows/edit/{PATH}")).json()["id"]
    assert hers != first
    return Person(server.client, first), Person(ada, hers)


async def deployed(person: Person) -> dict[str, str]:
    """The code of each step of the flow as it runs."""
    flow = (await person.http.get(f"{W}/flows/get/{PATH}")).json()
    return {module["id"]: module["value"].get("content", "") for module in flow["value"]["modules"]}


async def behind(two: tuple[Person, Person], **mine: str) -> Person:
    """Ada deployed other code of `a` as version 2, the admin changed his draft."""
    admin, ada = two
    await ada.write("a", "def main(n: int):\n    return 'hers'\n")
    await ada.ask("POST", "deploy", {"message": "Faster"})
    for step, code in mine.items():
        await admin.write(step, code)
    return admin


async def test_a_newer_version_is_not_written_over(two: tuple[Person, Person]) -> None:
    admin = await behind(two, b="def main(rows: list):\n    return 'mine'\n")
    refused = await admin.ask("POST", "deploy", {}, 409)
    assert refused["error"]["code"] == "flow.newer_version"
    assert "ada deployed version 2" in refused["error"]["message"]
    seen = await admin.ask("GET", "merge")
    assert (seen["base"], seen["theirs"]["version"], seen["theirs"]["by"]) == (1, 2, "ada")
    shown = (await admin.ask("GET", "notebook"))["draft"]
    assert (shown["deployed_version"], shown["newest_version"]) == (1, 2)
    assert seen["theirs"]["message"] == "Faster" and seen["conflicts"] == []
    assert [(one["name"], one["side"], one["what"][0]["part"]) for one in seen["taken"]] == [
        ("a", "theirs", "code"),
        ("b", "mine", "code"),
    ]


async def test_what_is_taken_in_is_one_edit_and_then_it_can_be_deployed(two: tuple[Person, Person]) -> None:
    admin = await behind(two, b="def main(rows: list):\n    return 'mine'\n")
    cells = {step: await admin.cell(step) for step in ("a", "b")}
    change = await admin.merge()
    assert change["draft"]["can_undo"] == "Took in version 2"
    assert (change["draft"]["deployed_version"], change["draft"]["changes"]) == (2, 1)
    assert {step: await admin.cell(step) for step in ("a", "b")} == cells, "cells stay the same cells"
    assert (await admin.ask("GET", "merge"))["theirs"] is None
    codes = await admin.codes()
    assert "hers" in codes["a"] and "mine" in codes["b"]
    assert "mine" not in (await deployed(admin))["b"], "nothing is deployed by that"
    assert (await admin.ask("POST", "deploy", {}))["version"] == 3
    assert await deployed(admin) == codes


async def test_undone_it_is_behind_again(two: tuple[Person, Person]) -> None:
    admin = await behind(two, b="def main(rows: list):\n    return 'mine'\n")
    before = await admin.codes()
    await admin.merge()
    undone = await admin.ask("POST", "undo", {"client": "page"})
    assert undone["draft"]["deployed_version"] == 1 and await admin.codes() == before
    assert (await admin.ask("POST", "deploy", {}, 409))["error"]["code"] == "flow.newer_version"
    await admin.ask("POST", "redo", {"client": "page"})
    assert (await admin.ask("POST", "deploy", {}))["version"] == 3


@pytest.mark.parametrize("side", ["theirs", "mine"])
async def test_what_both_changed_is_decided(two: tuple[Person, Person], side: str) -> None:
    admin = await behind(two, a="def main(n: int):\n    return 'mine'\n")
    (conflict,) = (await admin.ask("GET", "merge"))["conflicts"]
    assert (conflict["id"], conflict["kind"], conflict["name"]) == ("cell:a", "cell", "a")
    (difference,) = conflict["differences"]
    assert (difference["part"], difference["base"]["content"]) == (
        "code",
        CHAIN["value"]["modules"][0]["value"]["content"],
    )
    assert "hers" in difference["theirs"]["content"] and "mine" in difference["mine"]["content"]
    undecided = await admin.merge(400)
    assert "cell:a" in undecided["error"]["message"]
    assert "both" not in (await admin.merge(400, a="both"))["error"]["message"]
    assert "cell:b" in (await admin.merge(400, a=side, b=side))["error"]["message"]
    await admin.merge(a=side)
    assert ("hers" if side == "theirs" else "mine") in (await admin.codes())["a"]


async def test_two_new_cells_of_one_name_are_both_kept(two: tuple[Person, Person]) -> None:
    admin, ada = two
    for person, code in ((ada, "def main(): return 'hers'"), (admin, "def main(): return 'mine'")):
        module = script("", code)
        await person.edit(
            {"op": "insert_cell", "cell": "new", "parent": None, "slot": "modules", "index": 9, "module": module}
        )
    await ada.ask("POST", "deploy", {})
    await admin.merge(c="both")
    codes = await admin.codes()
    assert list(codes) == ["a", "b", "c", "d"] and "hers" in codes["c"] and "mine" in codes["d"]
    assert await admin.cell("d") == "new" != await admin.cell("c")


async def test_what_was_compared_has_to_be_what_is_taken_in(two: tuple[Person, Person]) -> None:
    admin, ada = await behind(two), two[1]
    seen = await admin.ask("GET", "merge")
    body = {"version": 2, "draft_version": seen["draft_version"]}
    await admin.write("b", "def main(rows: list):\n    return 'later'\n")
    outdated = await admin.ask("POST", "merge", body, 409)
    assert outdated["error"]["code"] == "draft.merge_outdated" and "draft" in outdated["error"]["message"]
    await ada.ask("POST", "deploy", {})
    body["draft_version"] += 1
    assert "version of the flow" in (await admin.ask("POST", "merge", body, 409))["error"]["message"]
    for wrong in (
        {},
        {**body, "version": "2"},
        {**body, "version": 3, "choices": []},
        {**body, "version": 3, "choices": {"x": 1}},
    ):
        answer = await admin.ask("POST", "merge", wrong, 400)
        assert answer["error"]["hint"] or "choices" in answer["error"]["message"]


async def test_a_version_that_was_taken_in_counts_for_its_own_path_only(two: tuple[Person, Person]) -> None:
    admin, ada = two
    for number in range(3):
        await ada.write("a", f"def main(n: int):\n    return {number}\n")
        await ada.ask("POST", "deploy", {})
    await admin.merge()
    elsewhere = await admin.ask("POST", "deploy", {"path": "f/team/copy"})
    assert (elsewhere["version"], elsewhere["draft"]["deployed_version"]) == (1, 1)
    other = Person(ada.http, (await ada.http.post(f"{W}/flows/edit/f/team/copy")).json()["id"])
    await other.ask("POST", "deploy", {})
    assert (await admin.ask("POST", "deploy", {}, 409))["error"]["code"] == "flow.newer_version"


async def test_clients_that_push_are_not_asked_and_drafts_notice(two: tuple[Person, Person]) -> None:
    admin, _ = two
    pushed = {**flow_of(script("a", "def main(): return 'pushed'")), "path": PATH}
    assert (await admin.http.post(f"{W}/flows/update/{PATH}", json=pushed)).status_code == 200
    await admin.write("b", "def main(rows: list):\n    return 'mine'\n")
    conflicts = (await admin.ask("GET", "merge"))["conflicts"]
    assert [(one["id"], one["theirs"], one["mine"]) for one in conflicts] == [("cell:b", "removed", "changed")]
    await admin.merge(b="mine")
    codes = await admin.codes()
    assert "pushed" in codes["a"] and "mine" in codes["b"]


async def test_without_the_version_that_both_come_from_nothing_is_guessed(two: tuple[Person, Person]) -> None:
    admin, ada = two
    await admin.write("b", "def main(rows: list):\n    return 'mine'\n")
    assert (await ada.http.delete(f"{W}/flows/delete/{PATH}")).status_code == 200
    await ada.ask("POST", "deploy", {})
    seen = await admin.ask("GET", "merge")
    assert (seen["base"], seen["theirs"]["version"]) == (1, 2)
    (conflict,) = seen["conflicts"]
    assert (conflict["id"], conflict["choices"]) == ("cell:b", ["both", "theirs", "mine"])
    assert all("base" not in difference for difference in conflict["differences"])
    await admin.merge(b="mine")
    assert "mine" in (await admin.codes())["b"]


async def test_of_another_ones_draft_nothing_is_told(two: tuple[Person, Person], server: Server) -> None:
    admin = await behind(two)
    for role, name in (("viewer", "vic"), ("developer", "dev")):
        other = Person(await server.person(name, role), admin.draft)
        for method, body in (("GET", None), ("POST", {"version": 2, "draft_version": 1})):
            await other.ask(method, "merge", body, 404)
