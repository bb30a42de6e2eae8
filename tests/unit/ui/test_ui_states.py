"""States of pages: every event authorises itself, errors reach the page, rows become lines."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from reflex_base.event import EventSpec

from flowapp.access.errors import NotAllowed, NotFound, NotSignedIn
from flowapp.access.identity import Identity
from flowapp.languages import LANGUAGES
from flowapp.settings import Settings
from flowapp.ui import services
from flowapp.ui.state.account import AccountState, TokensState, session_lines, token_body, token_lines
from flowapp.ui.state.audit import FILTERS, AuditState, query_of
from flowapp.ui.state.folders import FoldersState, folder_line, parts_of, rights_of
from flowapp.ui.state.groups import GroupsState, group_line
from flowapp.ui.state.guard import Guard
from flowapp.ui.state.home import HomeState, flow_line, problem_lines
from flowapp.ui.state.members import InvitationsState, MembersState, invitation_line, member_line
from flowapp.ui.state.page import PageState
from flowapp.ui.state.parts import Part
from flowapp.ui.state.run_views import RunViewsState, view_chip
from flowapp.ui.state.runs import RunsState, address, run_line
from flowapp.ui.state.runtimes import RuntimesState, bytes_text, language_lines
from flowapp.ui.state.schedules import SchedulesState, schedule_line
from flowapp.ui.state.scripts import ScriptsState, script_line
from flowapp.ui.state.stored import ResourcesState, VariablesState, json_of
from flowapp.workspace.errors import BadRequest, DocumentRejected
from flowapp.workspace.many_runs import Outcome
from tests.support.states import send, state_of

VIEW = {
    "id": "v1",
    "name": "Nightly",
    "status": "failure",
    "path": "f/x",
    "shared": False,
    "owner_name": "Ada",
    "mine": True,
    "may": {"edit": True, "share": True, "delete": True},
}
ADA = Identity("main", "ada@example.org", "ada", "developer")


class FakeSessions:
    def account(self, person: str) -> Identity:
        assert person == "ada"
        return ADA

    async def person(self, token: str) -> str | None:
        return "ada" if token == "good" else None

    async def identity(self, person: str, workspace: str) -> Identity:
        assert person == "ada"
        return ADA if workspace == "main" else Identity(workspace, ADA.email, "ada", "none")


class FakeWorkspace:
    """What states ask for; each call notes the identity it came with."""

    def __init__(self) -> None:
        self.sessions = FakeSessions()
        self.flows = self.runs = self.run_filters = self.new_drafts = self.many_runs = self
        self.schedules = self.scripts = self.variables = self.resources = self.resource_types = self.usages = (
            self.packages
        ) = self.runtimes = self.script_uses = self
        self.members = self.invitations = self.accounts = self.groups = self.folders = self.audit_trail = self
        self.settings = Settings(home=Path("nowhere"))
        self.asked: list[Identity] = []
        self.listed: list[dict[str, Any]] = []
        self.fails: Exception | None = None
        self.own = ["main"]

    async def workspaces(self, person: str) -> dict[str, Any]:
        assert person == "ada"
        return {"email": ADA.email, "workspaces": [{"id": name} for name in self.own]}

    async def listing(self, identity: Identity, *query: Any, **filters: Any) -> list[dict[str, Any]]:
        self.asked.append(identity)
        self.filters = filters
        if self.fails:
            raise self.fails
        return self.listed

    async def create(self, identity: Identity, *body: Any, **given: Any) -> dict[str, str]:
        self.asked.append(identity)
        self.created = given
        self.bodies = body
        if self.fails:
            raise self.fails
        return {"id": "d1", "path": "u/ada/x"}

    async def get(self, identity: Identity, path: str, **how: Any) -> dict[str, Any]:
        self.asked.append(identity)
        return {
            **VIEW,
            "id": path,
            "path": path,
            "name": path,
            "summary": "",
            "members": ["bo"],
            "owners": ["u/ada"],
            "extra_perms": {"g/crew": False},
            "email": "bo@example.org",
            "role": "viewer",
            "is_secret": True,
            "value": None,
            "description": "d",
            "resource_type": "any",
            "schedule": "0 0 9 * * *",
            "timezone": "UTC",
            "is_flow": True,
            "script_path": "f/a/b",
            "no_flow_overlap": True,
        }

    async def update(self, identity: Identity, path: str, body: dict[str, Any]) -> str:
        self.asked.append(identity)
        self.updated = body
        return path

    async def delete(self, identity: Identity, path: str) -> None:
        self.asked.append(identity)

    async def of(self, identity: Identity, kind: str, path: str = "") -> list[str]:
        self.asked.append(identity)
        return [f"flow f/team/{kind}"]

    async def signature(self, identity: Identity, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(identity)
        return {"schema": {"title": body["language"]}, "problem": None}

    async def archive(self, identity: Identity, *, path: str) -> None:
        self.asked.append(identity)

    async def holdings(self, identity: Identity, name: str) -> list[str]:
        self.asked.append(identity)
        if self.fails:
            raise self.fails
        return [f"schedule u/{name}/daily runs as them"]

    async def welcome(self, identity: Identity, body: dict[str, Any]) -> tuple[str, str]:
        self.asked.append(identity)
        return "cy", "/signin?token=fi_x&next=/account"

    async def sign_in_link(self, person: str, body: dict[str, Any]) -> str:
        assert person == "ada"
        self.asked.append(ADA)
        return "/signin?token=fi_y"

    async def users(self, identity: Identity, name: str) -> list[str]:
        self.asked.append(identity)
        return [f"owner of folder {name}"]

    async def names(self, identity: Identity) -> list[str]:
        self.asked.append(identity)
        return ["all"]

    async def usage(self, identity: Identity, name: str) -> dict[str, int]:
        self.asked.append(identity)
        return {"flows": 2, "scripts": 1, "variables": 0}

    async def whoami(self, person: str) -> dict[str, Any]:
        assert person == "ada"
        self.asked.append(ADA)
        return {"email": "ada@example.org", "username": "ada"}

    async def has_password(self, person: str) -> bool:
        return person == "ada"

    async def tokens(self, person: str) -> list[dict[str, Any]]:
        assert person == "ada"
        self.asked.append(ADA)
        if self.fails:
            raise self.fails
        return TOKENS

    async def set_password(self, person: str, body: dict[str, Any]) -> None:
        assert person == "ada"
        self.asked.append(ADA)
        self.updated = body

    async def delete_token(self, person: str, prefix: str) -> str:
        assert person == "ada"
        self.asked.append(ADA)
        return prefix

    async def end_other_sessions(self, person: str) -> int:
        assert person == "ada"
        self.asked.append(ADA)
        return 1

    async def create_token(self, person: str, body: dict[str, Any]) -> str:
        assert person == "ada"
        self.asked.append(ADA)
        self.updated = body
        return "fa_new"

    async def again(self, identity: Identity, run_ids: Sequence[str]) -> Outcome:
        self.asked.append(identity)
        return Outcome(len(run_ids), ("Not this one.",))

    cancel = again
    remove = revoke = delete

    def preview(self, identity: Identity, body: dict[str, Any]) -> list[str]:
        self.asked.append(identity)
        if body["schedule"] == "never":
            raise BadRequest("'never' is not a schedule.", "Write five fields.")
        return ["2026-11-30T09:00:00Z"]

    async def set_enabled(self, identity: Identity, path: str, enabled: bool) -> None:
        self.asked.append(identity)

    def describe(self) -> dict[str, Any]:
        self.asked.append(ADA)
        return FACTS

    async def show(self, person: str) -> dict[str, Any]:
        assert person == "ada"
        self.asked.append(ADA)
        return {"folders": [], "bytes": 0, "cache_bytes": 0, "limit_bytes": 1 << 30}

    clear = show

    async def from_deployed(self, identity: Identity, path: str) -> dict[str, str]:
        return await self.create(identity)


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWorkspace]:
    fake = FakeWorkspace()
    monkeypatch.setattr(services, "_bound", fake)
    yield fake


def target(answer: Any) -> str:
    """Where a redirect goes."""
    assert isinstance(answer, EventSpec)
    return str(dict(answer.args and [(str(k), v) for k, v in answer.args])["path"]).strip('"')


STATES: tuple[type[Any], ...] = (
    Guard,
    HomeState,
    RunsState,
    RunViewsState,
    RuntimesState,
    VariablesState,
    ResourcesState,
    SchedulesState,
    ScriptsState,
    MembersState,
    InvitationsState,
    AccountState,
    TokensState,
    GroupsState,
    FoldersState,
    AuditState,
)
#: Handlers that change only what this browser shows, with the reason that they need no identity.
ONLY_THE_PAGE = {
    ("HomeState", "search"): "narrows a list the page has",
    ("HomeState", "choose_template"): "opens a dialog",
    ("HomeState", "open_import"): "opens a dialog",
    ("RunsState", "find"): "changes the address",
    **{("RunViewsState", handler): "opens or closes a dialog" for handler in ("begin", "change", "close", "keep")},
    ("RunsState", "choose"): "ticks a box of a list the page has",
    ("RunsState", "choose_all"): "ticks the boxes of a list the page has",
    ("VariablesState", "set_secret"): "ticks a box of the dialog",
    **{
        (name, handler): "narrows a list the page has, or closes a dialog"
        for name in ("VariablesState", "ResourcesState", "ScriptsState")
        for handler in ("search", "close", "keep")
    },
    **{("SchedulesState", handler): "closes a dialog" for handler in ("close", "keep")},
    **{
        (name, handler): "closes a dialog"
        for name in ("MembersState", "InvitationsState", "TokensState")
        for handler in ("close", "keep", "close_link")
    },
    **{
        (name, handler): "changes rows of the dialog, or closes it"
        for name in ("GroupsState", "FoldersState")
        for handler in ("close", "keep", "choose", "choose_right", "add_part", "set_right", "drop_part")
    },
    ("AuditState", "find"): "changes the address",
    ("TokensState", "set_limit"): "chooses in the dialog",
    **{
        (state.__name__, "setvar"): "Reflex's own: sets shown values of the sender's own page; no handler trusts them"
        for state in STATES
    },
}
ARGUMENTS = {
    "save": (
        {"path": "u/ada/x", "value": "{}", "language": "python3", "runs": "flow f/a/b", "label": "x", "days": "7"},
    ),
    "edit": ("u/ada/x",),
    "ask": ("u/ada/x",),
    "switch": ("u/ada/x", True),
    "set_cron": ("0 9 * * *",),
    "set_zone": ("UTC",),
    "make_link": ("bo",),
    "end": ("fs_1234567",),
    "set_password": ({"current": "a", "password": "new password", "again": "new password"},),
    "new_from_template": ("orders",),
    "import_text": ({"text": "summary: x"},),
    "edit_deployed": ("f/x",),
}


def _handlers() -> list[tuple[type[Any], str]]:
    own = []
    for state in STATES:
        for name in state.event_handlers:
            if name in vars(state) and (state.__name__, name) not in ONLY_THE_PAGE:
                own.append((state, name))
    return own


@pytest.mark.parametrize(("kind", "handler"), _handlers(), ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("cookie", ["", "flowapp_session=bad", "garbage; =;;"])
async def test_every_event_refuses_strangers(
    kind: type[Any], handler: str, cookie: str, workspace: FakeWorkspace
) -> None:
    answer = await send(state_of(kind, cookie), handler, *ARGUMENTS.get(handler, ()))
    assert target(answer).startswith("/signin?next=")
    assert workspace.asked == []


@pytest.mark.parametrize(("kind", "handler"), _handlers(), ids=lambda value: getattr(value, "__name__", value))
async def test_every_event_acts_as_the_person_of_the_session(
    kind: type[Any], handler: str, workspace: FakeWorkspace
) -> None:
    await send(state_of(kind), handler, *ARGUMENTS.get(handler, ()))
    assert set(workspace.asked) <= {ADA}
    assert workspace.asked or kind is Guard or handler == "begin"  # which asks who it is, for the path, and no more


def test_helpers_of_states_cannot_be_called_by_a_browser() -> None:
    for kind in STATES:
        assert not [name for name in kind.event_handlers if name.startswith("_") and name in vars(PageState)]


async def test_servers_on_two_ports_of_a_host_have_a_cookie_each(workspace: FakeWorkspace) -> None:
    both = "flowapp_session_3000=good; flowapp_session_3001=bad"
    assert str(await services.person(both, "127.0.0.1:3000")) == "ada"
    with pytest.raises(NotSignedIn):
        await services.person(both, "127.0.0.1:3001")
    with pytest.raises(NotSignedIn):
        await services.person(both, "127.0.0.1")


async def test_a_tab_that_shows_a_workspace_of_others_goes_to_ones_own(workspace: FakeWorkspace) -> None:
    state = state_of(HomeState, url="http://host/?workspace=theirs")
    state.tab_workspace = "theirs"
    assert target(await send(state, "load")) == "/?workspace=main"
    assert workspace.asked == []


async def test_a_link_into_a_workspace_of_others_says_so(workspace: FakeWorkspace) -> None:
    state = state_of(HomeState, url="http://host/runs?workspace=theirs")
    state.tab_workspace = "theirs"
    await send(state, "load")
    assert (state.problem, workspace.asked) == ("You are not in a workspace theirs.", [])


async def test_who_is_in_no_workspace_is_told_by_the_policy(workspace: FakeWorkspace) -> None:
    workspace.own = []
    state = state_of(HomeState)
    state.tab_workspace = "theirs"
    await send(state, "load")
    assert [who.role for who in workspace.asked] == ["none"]


async def test_a_refusal_is_put_on_the_page(workspace: FakeWorkspace) -> None:
    workspace.fails = NotAllowed("Viewers cannot do this.", "Ask an admin.")
    state = state_of(HomeState)
    assert await send(state, "new_blank") is None
    assert (state.problem, state.hint, state.busy) == ("Viewers cannot do this.", "Ask an admin.", "")


async def test_a_new_script_begins_with_the_code_of_its_language_and_opens(workspace: FakeWorkspace) -> None:
    state = state_of(ScriptsState)
    await send(state, "begin")
    assert (state.mine, state.editing) == ("u/ada/", True)
    answer = await send(state, "save", {"path": " f/team/a b ", "language": "bash", "summary": "s"})
    assert target(answer) == "/scripts/p/f/team/a%20b"
    (body,) = workspace.bodies
    assert (body["language"], body["summary"], body["schema"]) == ("bash", "s", {"title": "bash"})
    assert body["content"].startswith("x=")
    state = state_of(ScriptsState)
    assert await send(state, "save", {"path": "f/team/a", "language": "cobol"}) is None
    assert "Choose a language" in state.error


def test_lines_of_scripts() -> None:
    found = {"path": "f/a/b", "language": "bun", "created_by": "ada", "created_at": "2026-11-29T10:00:00Z"}
    line = script_line(found)
    assert (line.path, line.summary, line.language, line.by) == ("f/a/b", "", "TypeScript (Bun)", "ada")


async def test_a_new_draft_opens(workspace: FakeWorkspace) -> None:
    assert target(await send(state_of(HomeState), "new_blank")) == "/flows/d1"


async def test_problems_of_an_import_are_listed_with_their_places(workspace: FakeWorkspace) -> None:
    problem = {
        "severity": "error",
        "message": "No such step",
        "hint": "",
        "step_id": "b",
        "field": "rows",
        "pointer": "/value",
    }
    workspace.fails = DocumentRejected("Not a flow.", "", [problem])
    state = state_of(HomeState)
    await send(state, "open_import", True)
    await send(state, "import_text", {"text": "x: 1"})
    assert state.import_error == "The document cannot be imported."
    assert state.import_problems[0].where == "step b · field rows · /value"
    await send(state, "open_import", True)
    assert state.import_problems == []


async def test_an_empty_import_is_not_sent(workspace: FakeWorkspace) -> None:
    state = state_of(HomeState)
    await send(state, "import_text", {"text": "  \n"})
    assert "Paste a flow" in state.import_error
    assert workspace.asked == []


async def test_an_archive_is_imported_in_place_of_the_text(workspace: FakeWorkspace) -> None:
    sent = {"text": "", "archive": base64.b64encode(b"PK packed").decode()}
    assert target(await send(state_of(HomeState), "import_text", sent)) == "/flows/d1"
    assert workspace.created == {"text": "", "archive": b"PK packed"}


async def test_filters_come_from_the_address(workspace: FakeWorkspace) -> None:
    workspace.listed = [{"id": "r", "number": 7, "status": "failure", "path": "f/x", "kind": "flow"}]
    state = state_of(RunsState, url="http://host/runs?status=failure&path=sales&page=x")
    await send(state, "load")
    assert workspace.filters == {"page": 1, "per_page": 30, "path": "sales", "status": "failure"}
    assert state.lines[0].number == "#7"
    assert state.narrowed


async def test_a_view_brings_its_filter(workspace: FakeWorkspace) -> None:
    state = state_of(RunsState, url="http://host/runs?view=v1&page=2")
    await send(state, "load")
    assert workspace.filters == {"page": 2, "per_page": 30, "path": "v1", "status": "failure"}
    assert (state.newer, state.older) == ("/runs?view=v1", "/runs?view=v1&page=3")


async def test_a_view_that_is_not_there_lists_nothing(
    workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(*_: Any) -> None:
        raise NotFound("There is no such run view here.")

    monkeypatch.setattr(workspace, "get", missing)
    state = state_of(RunsState, url="http://host/runs?view=v1")
    for handler in ("load", "refresh"):
        await send(state, handler)
        assert (state.problem, state.loaded, state.lines) == ("This view is not there.", False, [])
    assert "can share it" in state.hint and workspace.asked == []


async def test_a_view_that_vanishes_takes_its_runs_along(
    workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.listed = [{"id": f"r{number}", "number": number, "status": "running"} for number in range(30)]
    state = state_of(RunsState, url="http://host/runs?view=v1")
    await send(state, "load")
    await send(state, "choose", "r1", True)
    assert (len(state.lines), state.more, state.chosen) == (30, True, ["r1"])

    async def missing(*_: Any) -> None:
        raise NotFound("There is no such run view here.")

    monkeypatch.setattr(workspace, "get", missing)
    asked = len(workspace.asked)
    for handler in ("refresh", "run_chosen_again", "cancel_chosen"):
        await send(state, handler)
        assert (state.lines, state.more, state.chosen, state.loaded) == ([], False, [], False), handler
        assert state.problem == "This view is not there."
    # the two others asked for their work, and listed no run under the address of the view
    assert len(workspace.asked) == asked + 2


async def test_what_was_chosen_stays_on_reading_the_list_again_and_not_in_another(workspace: FakeWorkspace) -> None:
    workspace.listed = [{"id": "r1", "number": 1, "status": "running"}]
    state = state_of(RunsState, url="http://host/runs?status=running")
    await send(state, "load")
    await send(state, "choose", "r1", True)
    await send(state, "load")
    assert state.chosen == ["r1"]
    object.__setattr__(state, "router", state_of(RunsState, url="http://host/runs").router)
    workspace.fails = NotAllowed("Not now.")
    await send(state, "load")
    assert (state.chosen, state.lines) == ([], [])


async def test_the_filter_of_the_address_is_kept_as_a_view_and_opens(workspace: FakeWorkspace) -> None:
    workspace.listed = [VIEW]
    state = state_of(RunViewsState, url="http://host/runs?status=failure&path=f%2Fx")
    await send(state, "load")
    assert ([chip.id for chip in state.views], state.open.id, state.status, state.path) == (
        ["v1"],
        "",
        "failure",
        "f/x",
    )
    await send(state, "begin")
    assert target(await send(state, "save", {"name": "Mine", "shared": "true"})) == "/runs?view=d1"
    assert workspace.bodies == ({"name": "Mine", "shared": True, "status": "failure", "path": "f/x"},)
    workspace.fails = BadRequest("There is one.", "Choose another name.")
    await send(state, "begin")
    await send(state, "save", {"name": "Mine"})
    assert (state.editing, state.error, state.problem) == (True, "There is one. Choose another name.", "")


async def test_a_view_that_is_open_is_changed_and_deleted(workspace: FakeWorkspace) -> None:
    workspace.listed = [VIEW]
    state = state_of(RunViewsState, url="http://host/runs?view=v1")
    await send(state, "load")
    assert (state.open.id, state.open.may_edit, state.status, state.path) == ("v1", True, "", "")
    await send(state, "change")
    await send(state, "save", {"name": "Other"})
    assert workspace.updated == {"name": "Other", "shared": False}
    await send(state, "ask", "v1")
    assert state.deleting == "v1"
    assert target(await send(state, "delete")) == "/runs"


@pytest.mark.parametrize(
    ("url", "opens", "argument", "opened"),
    [
        ("http://host/runs?view=v1", "ask", ("v1",), "deleting"),
        ("http://host/runs?view=v1", "change", (), "editing"),
        ("http://host/runs?status=failure", "begin", (), "editing"),
    ],
)
async def test_a_dialog_about_one_address_is_closed_at_another(
    url: str, opens: str, argument: tuple[str, ...], opened: str, workspace: FakeWorkspace
) -> None:
    workspace.listed = [VIEW]
    state = state_of(RunViewsState, url=url)
    await send(state, "load")
    await send(state, opens, *argument)
    await send(state, "load")
    assert getattr(state, opened)
    object.__setattr__(state, "router", state_of(RunViewsState, url="http://host/runs?view=v2").router)
    await send(state, "load")
    assert not getattr(state, opened)


async def test_the_question_names_the_view_that_is_deleted(workspace: FakeWorkspace) -> None:
    workspace.listed = [VIEW]
    state = state_of(RunViewsState, url="http://host/runs?view=v1")
    await send(state, "load")
    await send(state, "ask", "v2")  # pressed on the page of another view, just before this one was read
    assert (state.open.id, state.deleting, state.asked.name) == ("v1", "v2", "v2")


def test_a_view_says_whose_it_is_and_what_it_lists() -> None:
    assert view_chip(VIEW).note == "Nightly: failure, f/x. Only you see it."
    assert view_chip({**VIEW, "shared": True}).note == "Nightly: failure, f/x. Shared with the workspace."
    of_bo = view_chip({**VIEW, "shared": True, "mine": False, "owner_name": "Bo"})
    assert of_bo.note == "Nightly: failure, f/x. Shared by Bo."


def test_addresses_leave_out_what_is_not_asked_for() -> None:
    assert address("", "", 1) == "/runs"
    assert address("failure", "f/a b", 2) == "/runs?status=failure&path=f%2Fa+b&page=2"


def test_a_flow_without_a_draft_can_be_run_and_edited() -> None:
    line = flow_line({"path": "f/x", "summary": "", "version": 2, "draft_id": None, "last_run": None})
    assert (line.title, line.draft_href, line.run_form_href, line.note) == ("Untitled", "", "/run/f/x", "Version 2")


def test_a_draft_shows_its_last_run() -> None:
    run = {"id": "r1", "status": "success", "at": "2026-11-22T10:00:00Z", "number": 3}
    line = flow_line({"path": "f/x", "summary": "X", "version": None, "draft_id": "d", "last_run": run})
    assert (line.draft_href, line.run_href, line.note) == ("/flows/d", "/runs/r1", "Draft, not deployed")


def test_a_run_that_has_not_ended_has_no_duration() -> None:
    line = run_line({"id": "r", "number": 1, "status": "running", "kind": "cells", "duration_ms": None})
    assert (line.duration_ms, line.note) == (-1.0, "Cells, from the notebook")


def test_a_run_says_what_started_it_and_what_it_waits_for() -> None:
    run = {"id": "r", "number": 4, "status": "suspended", "kind": "flow", "path": "f/x"}
    webhook = run_line(
        {**run, "trigger": "webhook", "waits": {"approvals": ["a", "br[0].b"], "until": "2026-11-22T10"}}
    )
    assert webhook.note == "f/x · webhook · waits for approval after a and 1 more"
    assert webhook.waits_until == ""
    timed = run_line(
        {**run, "schedule": "f/nightly", "trigger": "schedule", "waits": {"approvals": [], "until": "2026"}}
    )
    assert (timed.note, timed.waits_until) == ("f/x · by schedule f/nightly", "2026")
    again = run_line({**run, "trigger": "restart", "restarted_from": {"id": "q", "number": 3, "step_id": "b"}})
    assert again.note == "f/x · restarted from #3"
    gone = run_line({**run, "trigger": "restart", "restarted_from": {"id": "q", "number": None, "step_id": "b"}})
    assert gone.note == "f/x · restarted from a run that is gone"


def test_many_problems_are_cut_and_counted() -> None:
    lines = problem_lines([{"message": str(i)} for i in range(120)], most=100)
    assert len(lines) == 101
    assert lines[-1].message == "20 more problems."


FACTS: dict[str, Any] = {
    "isolation": {"label": "Full", "mechanisms": {"own user": True, "seccomp": False}, "notes": ["a note"]},
    "languages": {
        "python3": {"available": True, "version": "3.11.7"},
        "nativets": {"available": True, "version": "1.4.5", "runs_on": "bun"},
        "go": {"available": False, "version": None, "note": "Go 1.27.3 is fetched when a cell first needs it"},
        "php": {"available": False, "version": None, "note": "Install it with: sudo apt install php-cli"},
    },
    "pools": {"script": {"idle": 4, "target": 5}, "nativets": {"idle": 0, "target": 0}},
}


def test_languages_that_run_come_first() -> None:
    lines = language_lines(FACTS)
    shown = {line.name: (line.state, line.note) for line in lines}
    assert shown["python3"] == ("ready", "Python 3.11.7, 4 of 5 processes ready")
    assert shown["nativets"] == ("ready", "Bun 1.4.5")
    assert shown["go"] == ("later", "Go 1.27.3 is fetched when a cell first needs it")
    assert shown["php"] == ("missing", "Install it with: sudo apt install php-cli")
    assert shown["rust"][0] == "none"
    assert "cannot run" in shown["rust"][1]
    assert len(lines) == len(LANGUAGES)
    assert [line.state for line in lines] == sorted(
        (line.state for line in lines), key=("ready", "later", "missing", "none").index
    )


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1536, "1.5 KB"), (1 << 30, "1 GB"), (250 << 20, "250 MB")]
)
def test_sizes_are_for_people(size: int, text: str) -> None:
    assert bytes_text(size) == text


async def test_a_secret_that_is_not_typed_again_stays_as_it_is(workspace: FakeWorkspace) -> None:
    state = state_of(VariablesState)
    await send(state, "edit", "u/ada/key")
    assert (state.editing, state.secret, state.value) == (True, True, "")
    await send(state, "save", {"path": "u/ada/key", "value": "", "description": "new"})
    assert workspace.updated == {"path": "u/ada/key", "description": "new", "is_secret": True}
    assert not state.editing


async def test_what_is_wrong_with_a_value_is_said_in_the_dialog(workspace: FakeWorkspace) -> None:
    state = state_of(ResourcesState)
    await send(state, "edit", "")
    assert state.path == "u/ada/"
    await send(state, "save", {"path": "u/ada/x", "value": "{host: 1}"})
    assert state.editing
    assert state.error.startswith("The value is not JSON")
    assert json_of('{"a": [1, null]}') == {"a": [1, None]}


async def test_who_uses_it_is_shown_before_it_is_deleted(workspace: FakeWorkspace) -> None:
    state = state_of(VariablesState)
    await send(state, "ask", "u/ada/key")
    assert (state.deleting, state.users) == ("u/ada/key", ["flow f/team/variable"])
    await send(state, "delete")
    assert state.deleting == ""


async def test_a_changed_schedule_keeps_what_the_page_does_not_show(workspace: FakeWorkspace) -> None:
    state = state_of(SchedulesState)
    await send(state, "edit", "u/ada/daily")
    assert (state.runs, state.times) == ("flow f/a/b", ["2026-11-30T09:00:00Z"])
    await send(state, "set_cron", "0 0 10 * * *")
    await send(state, "save", {"path": "u/ada/daily", "value": '{"n": 1}', "description": "Daily"})
    assert workspace.updated["no_flow_overlap"] is True
    assert (workspace.updated["schedule"], workspace.updated["args"]) == ("0 0 10 * * *", {"n": 1})
    assert not state.editing


async def test_a_schedule_that_is_none_says_so_while_it_is_typed(workspace: FakeWorkspace) -> None:
    state = state_of(SchedulesState)
    await send(state, "set_cron", "never")
    assert (state.times, state.times_problem) == ([], "'never' is not a schedule. Write five fields.")


async def test_a_new_schedule_needs_something_to_run(workspace: FakeWorkspace) -> None:
    state = state_of(SchedulesState)
    await send(state, "edit", "")
    await send(state, "save", {"path": "u/ada/x", "runs": "f/a/b", "value": "{}"})
    assert state.editing
    assert state.error.startswith("Choose what it runs")


def test_a_schedule_that_is_off_has_no_next_time() -> None:
    found = {"path": "f/a/s", "schedule": "0 0 9 * * *", "timezone": "UTC", "is_flow": False, "script_path": "f/a/b"}
    line = schedule_line({**found, "enabled": False, "next_at": "2026-11-30T09:00:00Z", "error": "gone"})
    assert (line.runs, line.next_at, line.problem) == ("script f/a/b", "", "gone")


@pytest.mark.parametrize(
    ("kind", "opens", "opened"), [(HomeState, "choose_template", "choosing"), (VariablesState, "edit", "editing")]
)
async def test_a_dialog_that_was_opened_before_the_page_had_loaded_stays(
    kind: type[Any], opens: str, opened: str, workspace: FakeWorkspace
) -> None:
    state = state_of(kind)
    await send(state, opens, True if kind is HomeState else "")
    await send(state, "enter" if kind is HomeState else "load")
    assert getattr(state, opened)
    object.__setattr__(state, "router", state_of(kind, sid="after a reload").router)
    await send(state, "enter" if kind is HomeState else "load")
    assert not getattr(state, opened)


async def test_a_new_persons_link_is_shown_once(workspace: FakeWorkspace) -> None:
    state = state_of(MembersState)
    await send(state, "edit", "")
    await send(state, "save", {"email": "cy@example.org", "role": "viewer"})
    assert (state.editing, state.link) == (False, "http://host/signin?token=fi_x&next=/account")
    object.__setattr__(state, "router", state_of(MembersState, sid="after a reload").router)
    await send(state, "load")
    assert state.link == ""


async def test_the_last_admin_stays_and_the_page_says_why(workspace: FakeWorkspace) -> None:
    workspace.fails = BadRequest("This is the last admin.", "Make somebody else an admin first.")
    state = state_of(MembersState)
    await send(state, "ask", "ada")
    assert (state.deleting, state.problem) == ("", "This is the last admin.")


async def test_who_may_not_invite_sees_no_invitations(workspace: FakeWorkspace) -> None:
    workspace.fails = NotAllowed("As a developer you cannot do this (member.manage).")
    state = state_of(InvitationsState)
    await send(state, "load")
    assert (state.mine, state.problem, state.loaded) == (False, "", True)


@pytest.mark.parametrize("uses", ["two", "-1", "1" * 9, "1.5"])
async def test_uses_of_an_invitation_are_a_number(workspace: FakeWorkspace, uses: str) -> None:
    state = state_of(InvitationsState)
    await send(state, "edit", "")
    await send(state, "save", {"role": "viewer", "uses": uses, "days": "7"})
    assert (state.editing, state.error) == (True, "Uses must be a whole number.")


def test_people_and_invitations_as_lines() -> None:
    found = {"username": "ann", "email": "ann@example.org", "name": "Ann Lee", "role": "viewer", "last_seen": None}
    line = member_line(found)
    assert (line.title, line.email, line.seen_at) == ("Ann Lee", "ann · ann@example.org", "")
    open_one = {"id": "1", "email": None, "role": "viewer", "uses_left": 2, "created_by": "ada", "expiration": "2027"}
    assert invitation_line(open_one).note == "as viewer · works 2 times more · by ada"


def _token(kind: str, **more: Any) -> dict[str, Any]:
    found = {"kind": kind, "token_prefix": f"{kind}_1", "device": "", "address": "", "label": "", "current": False}
    return {**found, "expiration": None, "last_used_at": "2026-11-29", "scopes": None, "workspace_id": None, **more}


TOKENS = [
    _token("session", device="Firefox on Linux", address="10.0.0.1"),
    _token("session", token_prefix="session_2", current=True),
    _token("api", label="ci", scopes=["jobs:run"], workspace_id="main"),
]


def test_sessions_begin_with_this_browsers_and_tokens_say_what_they_may() -> None:
    sessions, (token,) = session_lines(TOKENS), token_lines(TOKENS)
    assert [(line.name, line.title, line.here) for line in sessions] == [
        ("session_2", "Unknown browser", True),
        ("session_1", "Firefox on Linux", False),
    ]
    assert (token.title, token.note, token.expires_at) == ("ci", "api_1… · jobs:run · only in main", "")


async def test_two_new_passwords_that_differ_are_not_sent(workspace: FakeWorkspace) -> None:
    state = state_of(AccountState)
    await send(state, "set_password", {"current": "a", "password": "new password", "again": "other"})
    assert state.error.startswith("The two new passwords differ")
    assert workspace.asked == []
    await send(state, "set_password", {"current": "a", "password": "new password", "again": "new password"})
    assert workspace.updated == {"current": "a", "password": "new password"}
    assert (state.error, state.said.startswith("Your password is set")) == ("", True)


async def test_a_new_token_is_shown_once(workspace: FakeWorkspace) -> None:
    state = state_of(TokensState)
    await send(state, "edit", "")
    await send(state, "save", {"label": "ci", "days": "", "limit": "read", "here": "on"})
    assert (state.link, state.editing) == ("fa_new", False)
    assert workspace.updated == {"label": "ci", "read_only": True, "workspace_id": "main"}
    await send(state, "close_link", False)
    assert state.link == ""


@pytest.mark.parametrize(
    "form",
    [
        {"label": " "},
        {"label": "x", "days": "8"},
        {"label": "x", "days": "7", "limit": "all"},
        {"label": "x", "days": "7", "limit": "scopes", "scopes": " "},
    ],
)
def test_what_is_no_token(form: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        token_body(form, "main")


def test_a_token_with_scopes() -> None:
    body = token_body({"label": "x", "days": "7", "limit": "scopes", "scopes": "jobs:run\n*:read"}, "main")
    assert body["scopes"] == ["jobs:run", "*:read"] and "expiration" in body and "workspace_id" not in body


async def test_members_of_a_group_are_added_and_taken_away_until_it_is_saved(workspace: FakeWorkspace) -> None:
    state = state_of(GroupsState)
    workspace.listed = [{"username": name} for name in ("ada", "bo")]
    await send(state, "edit", "crew")
    assert (state.parts, state.others) == ([Part("bo", "member")], ["ada"])
    await send(state, "choose", "ada")
    await send(state, "add_part")
    await send(state, "add_part")
    await send(state, "drop_part", "bo")
    workspace.listed = []
    await send(state, "save", {"summary": "Night shift"})
    assert workspace.updated == {"summary": "Night shift", "members": ["ada"]}


async def test_parts_in_a_folder_are_saved_as_they_are_shown(workspace: FakeWorkspace) -> None:
    state = state_of(FoldersState)
    await send(state, "edit", "team")
    assert state.known == ["g/all"]
    assert state.parts == [Part("u/ada", "owner"), Part("g/crew", "read")]
    await send(state, "set_right", "g/crew", "write")
    await send(state, "choose", "g/all")
    await send(state, "choose_right", "read")
    await send(state, "add_part")
    await send(state, "save", {"title": " Team ", "summary": ""})
    rights = {"owners": ["u/ada"], "extra_perms": {"g/crew": True, "g/all": False}}
    assert workspace.updated == {"display_name": "Team", "summary": "", **rights}


async def test_what_a_folder_holds_is_shown_before_it_is_deleted(workspace: FakeWorkspace) -> None:
    state = state_of(FoldersState)
    await send(state, "ask", "team")
    assert state.users == ["2 flows", "1 script"]


def test_groups_and_folders_as_lines() -> None:
    many = group_line({"name": "crew", "summary": "Nights", "members": list("abcdefg")}, True)
    assert (many.note, many.members, many.mine) == ("Nights · a, b, c, d, e and 2 more", "7 members", True)
    assert not group_line({"name": "all", "summary": "", "members": []}, True).mine
    found: dict[str, Any] = {
        "name": "t",
        "display_name": "t",
        "summary": None,
        "owners": [],
        "extra_perms": {"u/a": True, "g/b": False},
    }
    line = folder_line(found, False)
    assert (line.note, line.owners, line.writers, line.viewers) == ("", "admins", "u/a", "g/b")


def test_an_owner_who_is_named_twice_is_an_owner() -> None:
    parts = parts_of({"owners": ["u/a"], "extra_perms": {"u/a": False, "u/b": True}})
    assert parts == {"u/a": "owner", "u/b": "write"}
    assert rights_of([Part(who, right) for who, right in parts.items()]) == {
        "owners": ["u/a"],
        "extra_perms": {"u/b": True},
    }


async def test_filters_of_the_trail_come_from_the_address(workspace: FakeWorkspace) -> None:
    url = "http://host/audit?username=bo&area=group&since=2026-01-30&until=2026-01-31&before_id=9&nonsense=x"
    state = state_of(AuditState, url=url)
    await send(state, "load")
    assert state.narrowed and state.newest == "/audit?username=bo&area=group&since=2026-01-30&until=2026-01-31"
    assert state.as_csv == (
        "/api/w/main/audit/export?username=bo&area=group"
        "&after=2026-01-30T00%3A00%3A00Z&before=2026-02-01T00%3A00%3A00Z&format=csv"
    )


async def test_the_trail_is_paged_by_the_server(workspace: FakeWorkspace) -> None:
    entry = {"timestamp": "t", "username": "bo", "operation": "group.create", "resource": "g/x", "parameters": {}}
    workspace.listed = [{**entry, "id": number} for number in range(100, 49, -1)]
    state = state_of(AuditState, url="http://host/audit")
    await send(state, "load")
    assert (len(state.lines), state.older, state.narrowed) == (50, "/audit?before_id=51", False)
    workspace.listed = workspace.listed[:50]
    await send(state, "load")
    assert (len(state.lines), state.older) == (50, "")


async def test_who_may_not_see_the_trail_is_told_so(workspace: FakeWorkspace) -> None:
    workspace.fails = NotAllowed("As a developer you cannot do this (workspace.manage).")
    state = state_of(AuditState, url="http://host/audit")
    await send(state, "load")
    assert (state.closed, state.lines, state.loaded, state.problem) == (True, [], True, "")


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "9999-12-31T00:00"])
def test_what_is_no_day(day: str) -> None:
    with pytest.raises(BadRequest):
        query_of({**dict.fromkeys(FILTERS, ""), "until": day})


def test_the_last_day_that_there_is_has_no_end() -> None:
    assert query_of({**dict.fromkeys(FILTERS, ""), "until": "9999-12-31"})["before"] == ""


async def test_chosen_runs_are_cancelled_and_what_is_left_out_is_said(workspace: FakeWorkspace) -> None:
    workspace.listed = [{"id": run_id, "number": 1, "status": "running"} for run_id in ("r2", "r1")]
    state = state_of(RunsState)
    await send(state, "refresh")
    await send(state, "choose", "r1", True)
    await send(state, "choose", "r2", True)
    await send(state, "choose", "not listed", True)
    assert (state.chosen, state.comparison) == (["r1", "r2"], "/runs/compare?a=r1&b=r2")
    await send(state, "cancel_chosen")
    assert (state.chosen, state.said) == ([], "2 runs cancelled. Not this one.")
    await send(state, "choose_all", True)
    assert state.chosen == ["r2", "r1"]
    await send(state, "choose", "r1", False)
    await send(state, "run_chosen_again")
    assert state.said == "1 run started again. Not this one."
