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
from flowapp.ui.state.members import InvitationsState, MembersState
from flowapp.ui.state.page import PageState
from flowapp.ui.state.resource_types import ResourceTypesState, type_line
from flowapp.ui.state.run_views import RunViewsState
from flowapp.ui.state.runs import RunsState
from flowapp.ui.state.runtimes import RuntimesState, bytes_text, language_lines
from flowapp.ui.state.schedules import SchedulesState, schedule_line, with_options
from flowapp.ui.state.scripts import ScriptsState, script_line
from flowapp.ui.state.stored import ResourcesState, VariablesState, json_of
from flowapp.workspace.errors import BadRequest, DocumentRejected
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
    **{("RunViewsState", handler): "opens or closes a dialog" for handler in ("begin", "change", "close", "keep")},
    ("RunsState", "choose"): "ticks a box of a list the page has",
    ("RunsState", "choose_all"): "ticks the boxes of a list the page has",
    ("VariablesState", "set_secret"): "ticks a box of the dialog",
    **{
        (name, handler): "narrows a list the page has, or closes a dialog"
        for name in ("VariablesState", "ResourcesState", "ResourceTypesState", "ScriptsState")
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


def test_a_flow_without_a_draft_can_be_run_and_edited() -> None:
    line = flow_line({"path": "f/x", "summary": "", "version": 2, "draft_id": None, "last_run": None})
    assert (line.title, line.draft_href, line.run_form_href, line.note) == ("Untitled", "", "/run/f/x", "Version 2")


def test_a_draft_shows_its_last_run() -> None:
    run = {"id": "r1", "status": "success", "at": "2026-11-22T10:00:00Z", "number": 3}
    line = flow_line({"path": "f/x", "summary": "X", "version": None, "draft_id": "d", "last_run": run})
    assert (line.draft_href, line.run_href, line.note) == ("/flows/d", "/runs/r1", "Draft, not deployed")


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
    await send(state, "save", {"path": "u/ada/x"})  # before its form has been drawn
    assert (state.editing, state.error[:39]) == (True, "The form of the value is not loaded yet")


async def test_a_type_keeps_its_name_and_says_what_its_fields_are(workspace: FakeWorkspace) -> None:
    state = state_of(ResourceTypesState)
    await send(state, "edit", "")
    assert (state.editing, state.path, state.mine, json_of(state.value)["properties"]) == (True, "", True, {})
    await send(state, "save", {"path": "shop", "description": "d"})
    assert state.error.startswith("The fields are not loaded yet")
    await send(state, "save", {"path": " shop ", "description": "d", "value": "{properties}"})
    assert (state.editing, state.error[:21]) == (True, "The value is not JSON")
    await send(state, "save", {"path": " shop ", "description": "d", "value": '{"type": "object"}'})
    assert workspace.bodies == ({"name": "shop", "description": "d", "schema": {"type": "object"}},)
    assert not state.editing
    await send(state, "edit", "shop")
    await send(state, "save", {"path": "other", "description": "", "value": "{}"})
    assert workspace.updated == {"description": "", "schema": {}}


async def test_what_names_a_type_is_shown_before_it_is_deleted(workspace: FakeWorkspace) -> None:
    workspace.listed = [{"name": "shop", "description": "of shops"}, {"name": "one"}, {"name": "none"}]
    state = state_of(ResourceTypesState)
    await send(state, "load")
    assert [line.kind for line in state.lines] == ["1,200 resources", "1 resource", ""]
    await send(state, "search", "OF SHOPS")
    assert [line.path for line in state.shown] == ["shop"]
    await send(state, "ask", "shop")
    assert state.users == ["flow f/team/resource_type"]
    await send(state, "delete")
    assert state.deleting == ""


def test_lines_of_types() -> None:
    line = type_line({"name": "x", "description": "d" * 100, "edited_at": None}, {})
    assert (len(line.note), line.kind, line.edited_at) == (80, "", "")


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


async def test_options_of_a_schedule_are_set_and_taken_away(workspace: FakeWorkspace) -> None:
    state = state_of(SchedulesState)
    await send(state, "edit", "u/ada/daily")
    assert json_of(state.options) == {"no_flow_overlap": True}
    handled = {"on_failure": " script/f/a/tell ", "on_failure_times": "3", "on_failure_extra_args": '{"to": 1}'}
    form = {"path": "u/ada/daily", "value": "{}", "dynamic_skip": "", "on_recovery": "", **handled}
    await send(state, "save", {**form, "on_failure_times": "none"})
    assert state.error.startswith("'none' is no number of runs.")
    await send(state, "save", {**form, "on_failure_extra_args": "{to}"})
    assert state.error.startswith("The value is not JSON")
    await send(state, "save", form)
    sent = {name: value for name, value in workspace.updated.items() if name.startswith(("on_", "no_", "dyn"))}
    assert sent == {"on_failure": "script/f/a/tell", "on_failure_times": 3, "on_failure_extra_args": {"to": 1}}


def test_options_that_the_dialog_does_not_show_stay() -> None:
    found = {"tag": "x", "retry": {"constant": {}}, "on_success": "f/a/b", "on_success_extra_args": {"a": 1}}
    assert with_options(found, {"value": "{}"}) == found
    kept = {"tag": "x", "retry": {"constant": {}}}
    assert with_options(found, {"dynamic_skip": "", "on_success": ""}) == kept
    idle: dict[str, Any] = {"on_failure": None, "no_flow_overlap": False, "on_failure_extra_args": {}}
    assert with_options({**found, **idle}, {"dynamic_skip": ""}) == {**kept, **idle}
    form = {"dynamic_skip": "f/a/c", "no_flow_overlap": "on", "on_success": "f/a/b"}
    assert with_options(found, form) == {
        **kept,
        "dynamic_skip": "f/a/c",
        "no_flow_overlap": True,
        "on_success": "f/a/b",
    }


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "²"])
def test_a_number_of_runs_is_whole_and_not_nought(text: str) -> None:
    with pytest.raises(BadRequest):
        with_options({}, {"dynamic_skip": "", "on_failure": "f/a/b", "on_failure_times": text})


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
