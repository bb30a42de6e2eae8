"""The list of runs and its saved views: what a page shows and does, without a browser."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.access.errors import NotAllowed, NotFound
from flowapp.ui.state.run_views import RunViewsState, view_chip
from flowapp.ui.state.runs import RunsState, address, run_line
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.run_query import RunQuery
from tests.support.states import send, state_of
from tests.unit.ui.pages_workspace import VIEW, FakeWorkspace, target


async def test_filters_come_from_the_address(workspace: FakeWorkspace) -> None:
    workspace.listed = [{"id": "r", "number": 7, "status": "failure", "path": "f/x", "kind": "flow"}]
    state = state_of(RunsState, url="http://host/runs?status=failure&path=sales&page=x")
    await send(state, "load")
    assert workspace.filters == {"page": 1, "per_page": 30, "wanted": RunQuery("failure", "sales")}
    assert state.lines[0].number == "#7"
    assert state.narrowed


async def test_filters_stay_beside_each_other(workspace: FakeWorkspace) -> None:
    workspace.listed = [{"id": "r", "number": 7, "status": "failure"}]
    state = state_of(RunsState, url="http://host/runs?status=failure&created_by=ada&since=2026-01-02")
    await send(state, "load")
    assert state.more_filters and state.narrowed
    assert state.people == ["ada"]
    assert state.by_status[0] == ("/runs", "All", "")
    assert state.by_status[1] == ("/runs?status=running&created_by=ada&since=2026-01-02", "Running", "running")
    assert (
        target(await send(state, "find", {"path": " f/x "}))
        == "/runs?status=failure&path=f%2Fx&created_by=ada&since=2026-01-02"
    )
    form = {"trigger": "schedule", "until": "2026-02-01", "created_by": ""}
    assert target(await send(state, "narrow", form)) == "/runs?status=failure&trigger=schedule&until=2026-02-01"


async def test_a_view_brings_its_filter(workspace: FakeWorkspace) -> None:
    state = state_of(RunsState, url="http://host/runs?view=v1&page=2")
    await send(state, "load")
    assert workspace.filters == {"page": 2, "per_page": 30, "wanted": RunQuery("failure", "v1")}
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
    assert ([chip.id for chip in state.views], state.open.id) == (["v1"], "")
    assert state.query == {"status": "failure", "path": "f/x"}
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
    assert (state.open.id, state.open.may_edit, state.query) == ("v1", True, {})
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
    assert address(RunQuery()) == "/runs"
    assert address(RunQuery("failure", "f/a b"), 2) == "/runs?status=failure&path=f%2Fa+b&page=2"


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


async def test_what_is_worked_out_of_the_filters_is_worked_out_anew(workspace: FakeWorkspace) -> None:
    state = state_of(RunsState, url="http://host/runs")
    await send(state, "load")
    assert (state.narrowed, state.by_status[1][0], state.older) == (False, "/runs?status=running", "/runs?page=2")
    state.created_by = "ada"
    assert (state.narrowed, state.older) == (True, "/runs?created_by=ada&page=2")
    assert state.by_status[1][0] == "/runs?status=running&created_by=ada"
