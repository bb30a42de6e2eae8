"""Role × action × object, through the HTTP API and through the pages' own handlers: both doors say the same.

Every attempt gets a folder of its own, in which the callers have their parts, and things in it. What the policy says of roles
alone is in tests/unit/access; approvals by link, API, page and inbox are in test_api_approvals.py and
test_api_approval_page.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from flowapp.ui import services
from flowapp.ui.state.audit import AuditState
from flowapp.ui.state.folders import FoldersState
from flowapp.ui.state.groups import GroupsState
from flowapp.ui.state.home import HomeState
from flowapp.ui.state.members import InvitationsState, MembersState
from flowapp.ui.state.parts import Part
from flowapp.ui.state.resource_types import ResourceTypesState
from flowapp.ui.state.run_views import RunViewsState
from flowapp.ui.state.schedules import SchedulesState
from flowapp.ui.state.scripts import ScriptsState
from flowapp.ui.state.stored import ResourcesState, VariablesState
from tests.integration.api.api_server import CHAIN, Server
from tests.support.states import send, state_of

W = "/api/w/main"
#: Name of each caller, with role in the workspace and part in the folder. `olga` is an admin elsewhere, `stranger` nobody.
CALLERS = {
    "stranger": ("", None),
    "olga": ("", None),
    "vic": ("viewer", "owner"),
    "otto": ("operator", "owner"),
    "dora": ("developer", "owner"),
    "wim": ("developer", "write"),
    "rea": ("developer", "read"),
    "cleo": ("developer", None),
    "ada": ("admin", None),
}
#: What the folder itself decides, for roles that may do it at all.
_ALL = ("vic", "otto", "dora", "wim", "rea", "cleo", "ada")
_OUTSIDE = {"stranger": "sign in", "olga": "none"}


def only(*names: str, hidden: tuple[str, ...] = ()) -> dict[str, str]:
    """Those who may; `hidden` do not even know of it; others are refused."""
    return {**_OUTSIDE, **{name: "yes" if name in names else "none" if name in hidden else "no" for name in _ALL}}


@dataclass(frozen=True)
class Deed:
    """Something that can be done. `{n}` in texts is the number of the attempt, by which its things are named."""

    name: str
    method: str
    path: str
    allowed: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict)
    page: tuple[type[Any], str, tuple[Any, ...]] | None = None
    #: The state as the page has it before the event: values of its fields.
    shown: dict[str, Any] = field(default_factory=dict)


_WRITERS = only("dora", "wim", "ada", hidden=("cleo",))
_LOOKERS = only("dora", "wim", "rea", "ada", hidden=("cleo",))
_OWNERS = only("dora", "ada", hidden=("cleo",))
_DEVELOPERS = only("dora", "wim", "rea", "cleo", "ada")
_ADMINS = only("ada")
_IN = "f/t{n}"
_SCHEDULE = {"schedule": "0 0 9 * * *", "timezone": "UTC", "args": {}}
_PARTS = [Part("u/dora", "owner")]

DEEDS = (
    Deed("see a variable", "GET", f"{W}/variables/get/{_IN}/v", _LOOKERS, page=(VariablesState, "edit", (f"{_IN}/v",))),
    Deed(
        "change a variable",
        "POST",
        f"{W}/variables/update/{_IN}/v",
        _WRITERS,
        {"value": "2"},
        (VariablesState, "save", ({"path": f"{_IN}/v", "value": "2"},)),
        {"original": f"{_IN}/v"},
    ),
    Deed(
        "delete a variable",
        "DELETE",
        f"{W}/variables/delete/{_IN}/v",
        _WRITERS,
        page=(VariablesState, "delete", ()),
        shown={"deleting": f"{_IN}/v"},
    ),
    Deed("see a resource", "GET", f"{W}/resources/get/{_IN}/r", _LOOKERS, page=(ResourcesState, "edit", (f"{_IN}/r",))),
    Deed(
        "delete a resource",
        "DELETE",
        f"{W}/resources/delete/{_IN}/r",
        _WRITERS,
        page=(ResourcesState, "delete", ()),
        shown={"deleting": f"{_IN}/r"},
    ),
    Deed(
        "see a type of resources",
        "GET",
        f"{W}/resources/type/get/k{{n}}",
        only(*_ALL),
        page=(ResourceTypesState, "edit", ("k{n}",)),
    ),
    Deed(
        "make a type of resources",
        "POST",
        f"{W}/resources/type/create",
        _DEVELOPERS,
        {"name": "m{n}", "schema": {}},
        (ResourceTypesState, "save", ({"path": "m{n}", "value": "{}"},)),
    ),
    Deed(
        "change a type of resources",
        "POST",
        f"{W}/resources/type/update/k{{n}}",
        _DEVELOPERS,
        {"description": "x"},
        (ResourceTypesState, "save", ({"description": "x", "value": "null"},)),
        {"original": "k{n}"},
    ),
    Deed(
        "delete a type of resources",
        "DELETE",
        f"{W}/resources/type/delete/k{{n}}",
        _DEVELOPERS,
        page=(ResourceTypesState, "delete", ()),
        shown={"deleting": "k{n}"},
    ),
    Deed(
        "keep a file",
        "POST",
        f"{W}/job_helpers/upload_s3_file?file_key={_IN}/x.txt",
        only("otto", "dora", "wim", "ada", hidden=("cleo",)),
    ),
    Deed("see who uses a script", "GET", f"{W}/scripts/around/p/{_IN}/s", only(*_ALL[:5], "ada", hidden=("cleo",))),
    Deed(
        "make a script",
        "POST",
        f"{W}/scripts/create",
        _WRITERS,
        {"path": f"{_IN}/new", "content": "", "language": "bash"},
        (ScriptsState, "save", ({"path": f"{_IN}/new", "language": "bash"},)),
    ),
    Deed(
        "archive a script",
        "POST",
        f"{W}/scripts/archive/p/{_IN}/s",
        _WRITERS,
        page=(ScriptsState, "delete", ()),
        shown={"deleting": f"{_IN}/s"},
    ),
    Deed(
        "make a schedule",
        "POST",
        f"{W}/schedules/create",
        _WRITERS,
        {**_SCHEDULE, "path": f"{_IN}/new", "script_path": f"{_IN}/flow", "is_flow": True},
        (SchedulesState, "save", ({"path": f"{_IN}/new", "runs": f"flow {_IN}/flow"},)),
        {"cron": "0 0 9 * * *", "zone": "UTC"},
    ),
    Deed(
        "edit a deployed flow",
        "POST",
        f"{W}/flows/edit/{_IN}/flow",
        _LOOKERS,
        page=(HomeState, "edit_deployed", (f"{_IN}/flow",)),
    ),
    Deed("fork a flow", "POST", f"{W}/flows/fork/{_IN}/flow", _LOOKERS),
    Deed(
        "run a flow", "POST", f"{W}/jobs/run/f/{_IN}/flow", only("otto", "dora", "wim", "rea", "ada", hidden=("cleo",))
    ),
    Deed("see a folder", "GET", f"{W}/folders/get/t{{n}}", only(*_ALL[:5], "ada", hidden=("cleo",))),
    Deed(
        "change a folder",
        "POST",
        f"{W}/folders/update/t{{n}}",
        _OWNERS,
        {"summary": "x", "owners": ["u/dora"]},
        (FoldersState, "save", ({"title": "", "summary": "x"},)),
        {"original": "t{n}", "parts": _PARTS},
    ),
    Deed(
        "delete a folder",
        "DELETE",
        f"{W}/folders/delete/e{{n}}",
        _OWNERS,
        page=(FoldersState, "delete", ()),
        shown={"deleting": "e{n}"},
    ),
    Deed(
        "make a group",
        "POST",
        f"{W}/groups/create",
        _ADMINS,
        {"name": "new{n}"},
        (GroupsState, "save", ({"name": "new{n}", "summary": ""},)),
    ),
    Deed(
        "change a group",
        "POST",
        f"{W}/groups/update/g{{n}}",
        _ADMINS,
        {"summary": "x", "members": []},
        (GroupsState, "save", ({"summary": "x"},)),
        {"original": "g{n}"},
    ),
    Deed(
        "delete a group",
        "DELETE",
        f"{W}/groups/delete/g{{n}}",
        _ADMINS,
        page=(GroupsState, "delete", ()),
        shown={"deleting": "g{n}"},
    ),
    Deed(
        "add a person",
        "POST",
        f"{W}/workspaces/add_user",
        _ADMINS,
        {"email": "new{n}@example.org", "role": "viewer"},
        (MembersState, "save", ({"email": "new{n}@example.org", "role": "viewer"},)),
    ),
    Deed(
        "give a role",
        "POST",
        f"{W}/users/update/m{{n}}",
        _ADMINS,
        {"role": "admin"},
        (MembersState, "save", ({"role": "admin"},)),
        {"original": "m{n}"},
    ),
    Deed(
        "take a person out",
        "DELETE",
        f"{W}/users/delete/m{{n}}",
        _ADMINS,
        page=(MembersState, "delete", ()),
        shown={"deleting": "m{n}"},
    ),
    Deed(
        "invite",
        "POST",
        f"{W}/workspaces/invitations/create",
        _ADMINS,
        {"role": "viewer"},
        (InvitationsState, "save", ({"role": "viewer", "uses": "1", "days": "7"},)),
    ),
    Deed(
        "revoke an invitation",
        "DELETE",
        f"{W}/workspaces/invitations/delete/{{invitation}}",
        _ADMINS,
        page=(InvitationsState, "delete", ()),
        shown={"deleting": "{invitation}"},
    ),
    Deed(
        "read what is said of a flow's steps",
        "GET",
        f"{W}/flows/comments/{_IN}/flow",
        only(*_ALL[:5], "ada", hidden=("cleo",)),
    ),
    Deed("share a run", "POST", f"{W}/runs/{{run}}/links", _LOOKERS, {"days": 1}),
    Deed("see the links of a run", "GET", f"{W}/runs/{{run}}/links", _LOOKERS),
    Deed("revoke a link of a run", "DELETE", f"{W}/runs/{{run}}/links/{{link}}", _LOOKERS),
    Deed("share a flow", "POST", f"{W}/flows/links/{_IN}/flow", _LOOKERS, {"days": 1}),
    Deed("see the links of a flow", "GET", f"{W}/flows/links/{_IN}/flow", _LOOKERS),
    Deed("revoke a link of a flow", "DELETE", f"{W}/flows/links/{_IN}/flow/{{flow_link}}", _LOOKERS),
    Deed(
        "keep a view of the runs",
        "POST",
        f"{W}/run_views",
        only(*_ALL),
        {"name": "v{n}", "status": "failure"},
        (RunViewsState, "save", ({"name": "v{n} by page"},)),
        {"status": "failure"},
    ),
    Deed(
        "share a view of the runs",
        "POST",
        f"{W}/run_views",
        only("dora", "wim", "rea", "cleo", "ada"),
        {"name": "s{n}", "status": "failure", "shared": True},
        (RunViewsState, "save", ({"name": "s{n} by page", "shared": "true"},)),
        {"status": "failure"},
    ),
    Deed("see the audit trail", "GET", f"{W}/audit/list", _ADMINS),
    Deed("export the audit trail", "GET", f"{W}/audit/export", _ADMINS),
)


class Table:
    """A server with the callers, and things for each attempt."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: dict[str, httpx.AsyncClient] = {"stranger": server.make_client()}
        self.cookies = {"stranger": ""}
        self.count = 0

    async def fill(self) -> None:
        for name, (role, _) in CALLERS.items():
            if name == "stranger":
                continue
            workspace = "main" if role else "elsewhere"
            self.clients[name] = await self.server.person(name, role or "admin", workspace)
            session = await self.server.workspace.sessions.open(f"{name}@example.org", "127.0.0.1")
            self.cookies[name] = f"flowapp_session={session}"

    async def things(self) -> dict[str, str]:
        """A folder with things, a flow and a run with a link each, an empty one, a group, a member and an invitation, for one attempt."""
        self.count += 1
        n, http = str(self.count), self.server.client
        parts = {f"u/{name}": part for name, (_, part) in CALLERS.items() if part}
        body = {
            "owners": [who for who, part in parts.items() if part == "owner"],
            "extra_perms": {who: part == "write" for who, part in parts.items() if part != "owner"},
        }
        for name in (f"t{n}", f"e{n}"):
            (await http.post(f"{W}/folders/create", json={"name": name, **body})).raise_for_status()
        draft = await self.server.draft(CHAIN, path=f"f/t{n}/flow")
        await self.server.post(draft, "deploy", {})
        for kind, made in (
            ("variables", {"path": f"f/t{n}/v", "value": "1", "is_secret": False}),
            ("resources", {"path": f"f/t{n}/r", "value": {}, "resource_type": "any"}),
            ("resources/type", {"name": f"k{n}", "schema": {}}),
            ("groups", {"name": f"g{n}"}),
            ("scripts", {"path": f"f/t{n}/s", "content": "echo 1", "language": "bash"}),
        ):
            (await http.post(f"{W}/{kind}/create", json=made)).raise_for_status()
        body = {"email": f"m{n}@example.org", "role": "viewer"}
        (await http.post(f"{W}/workspaces/add_user", json=body)).raise_for_status()
        invited = await http.post(f"{W}/workspaces/invitations/create", json={})
        run = (await http.post(f"{W}/jobs/run/f/f/t{n}/flow", json={})).text
        link = await http.post(f"{W}/runs/{run}/links", json={})
        flow_link = await http.post(f"{W}/flows/links/f/t{n}/flow", json={})
        ids = {"invitation": invited, "link": link, "flow_link": flow_link}
        return {"n": n, "run": run, **{name: str(answer.json()["id"]) for name, answer in ids.items()}}

    async def by_api(self, deed: Deed, caller: str) -> str:
        named = await self.things()
        body = _filled(deed.body, named) if deed.method == "POST" else None
        answer = await self.clients[caller].request(deed.method, _filled(deed.path, named), json=body)
        words = {401: "sign in", 403: "no", 404: "none"}
        return "yes" if answer.is_success else words.get(answer.status_code, f"{answer.status_code} {answer.text}")

    async def by_page(self, deed: Deed, caller: str) -> str:
        assert deed.page is not None
        kind, handler, arguments = deed.page
        named = await self.things()
        state = state_of(kind, self.cookies[caller])
        for name, value in _filled(deed.shown, named).items():
            setattr(state, name, value)
        answer = await send(state, handler, *_filled(arguments, named))
        if "/signin" in str(answer):
            return "sign in"
        if state.problem == "You are not in a workspace main.":
            return "none"  # said before anything is done
        said = f"{state.problem} {getattr(state, 'error', '')}".strip()
        if not said:
            return "yes"
        if "There is no such" in said:
            return "none"
        return "no" if "you cannot do this" in said or "you may look" in said or "Only the folder" in said else said


def _filled(value: Any, named: dict[str, str]) -> Any:
    match value:
        case str():
            for name, text in named.items():
                value = value.replace(f"{{{name}}}", text)
            return value
        case dict():
            return {key: _filled(item, named) for key, item in value.items()}
        case tuple():
            return tuple(_filled(item, named) for item in value)
    return value


@pytest.fixture
async def table(server: Server, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(services, "_bound", server.workspace)
    made = Table(server)
    await made.fill()
    return made


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name.replace(" ", "-"))
async def test_both_doors_say_the_same(deed: Deed, table: Table) -> None:
    found = {caller: await table.by_api(deed, caller) for caller in CALLERS}
    assert found == deed.allowed, "over HTTP"
    if deed.page is not None:
        found = {caller: await table.by_page(deed, caller) for caller in CALLERS}
        assert found == deed.allowed, "through the page"


async def test_the_page_of_the_trail_shows_nothing_to_who_may_not_see_it(table: Table) -> None:
    await table.things()
    for caller in CALLERS:
        state = state_of(AuditState, table.cookies[caller], url="http://host/audit")
        await send(state, "load")
        assert bool(state.lines) == (caller == "ada"), caller


async def test_an_invitation_is_good_for_whoever_has_the_link_and_gives_its_role_only(table: Table) -> None:
    for caller, client in table.clients.items():
        made = await table.server.client.post(f"{W}/workspaces/invitations/create", json={"role": "operator"})
        answer = await client.post("/api/workspaces/join", json={"token": made.json()["token"]})
        member = CALLERS[caller][0]
        assert answer.status_code == {"stranger": 401, "olga": 200}.get(caller, 400), caller
        role = (await client.get(f"{W}/users/whoami")).json().get("role") if caller != "stranger" else ""
        assert role == (member or ("operator" if caller == "olga" else "")), caller
