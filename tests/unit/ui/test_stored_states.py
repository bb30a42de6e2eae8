"""The states of pages of stored things: variables, resources, their types, schedules."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import FolderRight, Identity, Role
from flowapp.ui.state.home import HomeState
from flowapp.ui.state.resource_types import ResourceTypesState, type_line
from flowapp.ui.state.schedules import SchedulesState, schedule_line, with_options
from flowapp.ui.state.scripts import ScriptsState
from flowapp.ui.state.stored import ResourcesState, VariablesState, json_of
from flowapp.workspace.errors import BadRequest
from tests.support.states import send, state_of
from tests.unit.ui.pages_workspace import ADA, FakeWorkspace


def take_part(workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, role: Role, right: FolderRight) -> None:
    """Whoever asks has this role in the workspace, and this part in the folder `team`."""
    who = Identity("main", ADA.email, "ada", role, folders={"team": right})

    async def identity(person: str, place: str) -> Identity:
        return who

    monkeypatch.setattr(workspace.sessions, "identity", identity)


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


async def test_a_time_that_was_typed_right_before_saving_counts(workspace: FakeWorkspace) -> None:
    state = state_of(SchedulesState)
    await send(state, "edit", "u/ada/daily")
    typed = {"path": "u/ada/daily", "cron": "0 0 11 * * *", "zone": "Europe/Paris"}
    await send(state, "save", typed)  # nothing was heard of the keys yet
    assert (workspace.updated["schedule"], workspace.updated["timezone"]) == ("0 0 11 * * *", "Europe/Paris")


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


def test_pause_retries_and_tag_are_what_the_dialog_says() -> None:
    form = {"dynamic_skip": "", "paused_until": "2031-01-01T08:00:00.000Z", "tag": " big "}
    form |= {"retry_attempts": "2", "retry_seconds": ""}
    chosen = {"paused_until": "2031-01-01T08:00:00.000Z", "tag": "big"}
    assert with_options({}, form) == {**chosen, "retry": {"constant": {"attempts": 2, "seconds": 0}}}
    # what nobody changed stays as it was written
    odd = {"retry": {"constant": {"attempts": 2}, "exponential": {"attempts": 0}}}
    assert with_options(odd, form) == {**chosen, **odd}
    emptied = {**form, "paused_until": "", "tag": "", "retry_attempts": ""}
    assert with_options({**odd, **chosen}, emptied) == {}
    # where retries are more than the dialog shows, it has no fields for them
    other = {"retry": {"exponential": {"attempts": 3}}}
    assert with_options(other, {"dynamic_skip": "", "tag": "x"}) == {**other, "tag": "x"}
    for wrong in ({"retry_attempts": "some"}, {"retry_seconds": "-1"}, {"retry_seconds": "1.5"}):
        with pytest.raises(BadRequest):
            with_options({}, {**form, **wrong})


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


@pytest.mark.parametrize(("role", "makes"), [("viewer", False), ("operator", False), ("developer", True)])
@pytest.mark.parametrize("kind", [VariablesState, ResourcesState, SchedulesState, ScriptsState, HomeState])
async def test_who_may_make_none_is_offered_none(
    kind: Any, role: Role, makes: bool, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_part(workspace, monkeypatch, role, "owner")
    state = state_of(kind)
    await send(state, "load")
    assert (state.loaded, state.makes) == (True, makes)


@pytest.mark.parametrize(("right", "mine"), [("read", False), ("write", True)])
@pytest.mark.parametrize("kind", [VariablesState, ResourcesState, SchedulesState])
async def test_what_one_may_only_look_at_is_not_offered_to_be_changed(
    kind: Any, right: FolderRight, mine: bool, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_part(workspace, monkeypatch, "developer", right)
    shared = {"is_secret": False, "resource_type": "any", "schedule": "0 0 9 * * *", "timezone": "UTC"}
    workspace.listed = [
        {"path": path, **shared, "is_flow": True, "script_path": "f/a/b", "enabled": True}
        for path in ("f/team/x", "u/ada/x")
    ]
    state = state_of(kind)
    await send(state, "load")
    lines = state.schedules if kind is SchedulesState else state.lines
    assert [line.mine for line in lines] == [mine, True]
    workspace.listed = []
    await send(state, "edit", "f/team/x")
    assert (state.editing, state.mine) == (True, mine)
    await send(state, "edit", "")
    assert state.mine


async def test_earlier_values_of_a_resource_are_shown_and_brought_back(workspace: FakeWorkspace) -> None:
    state = state_of(ResourcesState)
    await send(state, "edit", "f/a/db")
    assert [(one.id, one.by) for one in state.earlier] == [("8", "bo"), ("7", "bo")]
    await send(state, "look", "7")
    assert (state.seen, state.seen_value, state.seen_gone) == ("7", '{\n  "host": "one"\n}', "$var:f/a/gone")
    await send(state, "look", "7")
    assert state.seen == ""
    workspace.fails = NotAllowed("In this folder you may look at things.", "Ask.")
    await send(state, "bring_back", "7")
    assert (state.editing, state.error) == (True, "In this folder you may look at things. Ask.")
    workspace.fails = NotAllowed("It is not yours any more.", "")
    await send(state, "look", "7")  # said where it was asked: the page's own notice is behind the dialog
    assert (state.seen, state.error, state.problem) == ("", "It is not yours any more.", "")
    workspace.fails = None
    await send(state, "bring_back", "7")
    assert (state.editing, state.error, workspace.resource_history.restored) == (False, "", [7])
    await send(state, "edit", "")
    assert (state.earlier, state.seen) == ([], "")


async def test_a_version_that_is_no_number_is_none(workspace: FakeWorkspace) -> None:
    state = state_of(ResourcesState)
    for text in ("x", "-1", "", "9" * 12, "٣"):
        await send(state, "bring_back", text)
    assert set(workspace.resource_history.restored) == {0}


@pytest.mark.parametrize("kind", [VariablesState, ResourcesState, SchedulesState])
async def test_what_somebody_stored_meanwhile_is_not_written_over_unseen(kind: Any, workspace: FakeWorkspace) -> None:
    state = state_of(kind)
    await send(state, "edit", "u/ada/x")
    workspace.edited_at = "2026-11-30T10:00:00Z"  # somebody else saves
    form = {"path": "u/ada/x", "value": "{}", "description": "mine"}
    await send(state, "save", form)
    assert state.editing and state.error.startswith("Somebody changed this after you had opened it")
    assert not hasattr(workspace, "updated")
    await send(state, "save", form)
    assert (state.editing, bool(workspace.updated)) == (False, True)
