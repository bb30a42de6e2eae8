"""States of pages: every event authorises itself, errors reach the page, rows become lines."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from flowapp.access.errors import NotAllowed, NotSignedIn
from flowapp.languages import LANGUAGES
from flowapp.ui import services
from flowapp.ui.state.account import AccountState, TokensState
from flowapp.ui.state.audit import AuditState
from flowapp.ui.state.folders import FoldersState
from flowapp.ui.state.groups import GroupsState
from flowapp.ui.state.guard import Guard
from flowapp.ui.state.home import HomeState, flow_line, problem_lines
from flowapp.ui.state.instance_groups import InstanceGroupsState
from flowapp.ui.state.members import InvitationsState, MembersState
from flowapp.ui.state.page import PageState
from flowapp.ui.state.resource_types import ResourceTypesState
from flowapp.ui.state.run_views import RunViewsState
from flowapp.ui.state.runs import RunsState
from flowapp.ui.state.runtimes import RuntimesState, bytes_text, language_lines, sizes_of
from flowapp.ui.state.schedules import SchedulesState
from flowapp.ui.state.scripts import ScriptsState, script_line
from flowapp.ui.state.stored import ResourcesState, VariablesState
from flowapp.workspace.errors import DocumentRejected
from tests.support.states import send, state_of
from tests.unit.ui.pages_workspace import ADA, FACTS, FakeWorkspace, target

STATES: tuple[type[Any], ...] = (
    Guard,
    HomeState,
    RunsState,
    RunViewsState,
    RuntimesState,
    VariablesState,
    ResourcesState,
    ResourceTypesState,
    SchedulesState,
    ScriptsState,
    MembersState,
    InvitationsState,
    AccountState,
    TokensState,
    GroupsState,
    InstanceGroupsState,
    FoldersState,
    AuditState,
)


#: Handlers that change only what this browser shows, with the reason that they need no identity.
ONLY_THE_PAGE = {
    ("HomeState", "search"): "narrows a list the page has",
    ("HomeState", "choose_template"): "opens a dialog",
    ("HomeState", "open_import"): "opens a dialog",
    ("HomeState", "keep"): "closes a dialog",
    ("RunsState", "find"): "changes the address",
    ("RunsState", "narrow"): "changes the address",
    **{("RunViewsState", handler): "opens or closes a dialog" for handler in ("begin", "change", "close", "keep")},
    ("RunsState", "choose"): "ticks a box of a list the page has",
    ("RunsState", "choose_all"): "ticks the boxes of a list the page has",
    ("VariablesState", "set_secret"): "ticks a box of the dialog",
    **{
        (name, handler): "narrows a list the page has, or closes a dialog"
        for name in ("VariablesState", "ResourcesState", "ResourceTypesState", "ScriptsState")
        for handler in ("search", "close", "keep")
    },
    **{
        (name, handler): "closes a dialog"
        for name in ("SchedulesState", "InstanceGroupsState")
        for handler in ("close", "keep")
    },
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
    "look": ("8",),
    "bring_back": ("8",),
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


def test_a_flow_without_a_draft_can_be_run_and_edited() -> None:
    line = flow_line({"path": "f/x", "summary": "", "version": 2, "draft_id": None, "last_run": None})
    assert (line.title, line.draft_href, line.run_form_href, line.note) == ("Untitled", "", "/run/f/x", "Version 2")


def test_a_draft_shows_its_last_run() -> None:
    run = {"id": "r1", "status": "success", "at": "2026-11-22T10:00:00Z", "number": 3}
    line = flow_line({"path": "f/x", "summary": "X", "version": None, "draft_id": "d", "last_run": run})
    assert (line.draft_href, line.run_href, line.note) == ("/flows/d", "/runs/r1", "Draft, not deployed")


def test_who_may_have_no_drafts_opens_the_page_of_a_deployed_flow() -> None:
    flow = {"path": "f/x", "summary": "X", "version": 2, "draft_id": None, "may_run": False}
    line = flow_line(flow, makes=False)
    assert (line.opens, line.run_form_href) == ("/run/f/x", "")
    assert flow_line(flow).opens == ""
    assert flow_line({**flow, "draft_id": "d"}).opens == "/flows/d"


@pytest.mark.parametrize(
    ("draft", "may", "deletes"), [("d", True, "draft"), (None, True, "flow"), (None, False, ""), ("d", False, "draft")]
)
def test_a_draft_is_deleted_before_its_flow(draft: str | None, may: bool, deletes: str) -> None:
    line = flow_line({"path": "f/x", "summary": "X", "version": 2, "draft_id": draft, "may_delete": may})
    assert line.deletes == deletes


def test_many_problems_are_cut_and_counted() -> None:
    lines = problem_lines([{"message": str(i)} for i in range(120)], most=100)
    assert len(lines) == 101
    assert lines[-1].message == "20 more problems."


def test_languages_that_run_come_first() -> None:
    lines = language_lines(FACTS)
    shown = {line.name: (line.state, line.note) for line in lines}
    assert shown["python3"] == ("ready", "Python 3.11.7, 4 of 5 processes ready")
    assert shown["nativets"] == ("ready", "Bun 1.4.5")
    assert shown["go"] == ("later", "Go 1.27.3 is fetched when a cell first needs it")
    assert shown["bigquery"][1] == "google-cloud-bigquery 3.47.0. Its driver is installed by the first cell."
    assert shown["bun"] == ("ready", "Bun is not installed: why")
    assert shown["php"] == ("missing", "Install it with: sudo apt install php-cli")
    assert shown["rust"][0] == "none"
    assert "cannot run" in shown["rust"][1]
    assert len(lines) == len(LANGUAGES)
    assert [line.state for line in lines] == sorted(
        (line.state for line in lines), key=("ready", "later", "missing", "none").index
    )


@pytest.mark.parametrize(
    ("programs", "end"),
    [
        (0, ""),
        (1, ", 1 built Go program (1.5 KB of at most 500 MB)"),
        (2, ", 2 built Go programs (1.5 KB of at most 500 MB)"),
    ],
)
def test_sizes_are_told_in_one_line(programs: int, end: str) -> None:
    built = [{"language": "go", "programs": programs, "bytes": 1536, "limit_bytes": 500 << 20}]
    facts = {"bytes": 0, "cache_bytes": 0, "limit_bytes": 1 << 30, "built": built}
    assert sizes_of(facts) == f"0 bytes installed of at most 1 GB, 0 bytes of downloads{end}"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1536, "1.5 KB"), (1 << 30, "1 GB"), (250 << 20, "250 MB")]
)
def test_sizes_are_for_people(size: int, text: str) -> None:
    assert bytes_text(size) == text
