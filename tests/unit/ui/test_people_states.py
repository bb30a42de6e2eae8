"""People, accounts, groups, folders and the audit trail: what their pages show and do, without a browser."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.access.errors import NotAllowed
from flowapp.ui.state.account import AccountState, TokensState, session_lines, token_body, token_lines
from flowapp.ui.state.audit import FILTERS, AuditState, query_of
from flowapp.ui.state.folders import FoldersState, folder_line, parts_of, rights_of
from flowapp.ui.state.groups import GroupsState, group_line
from flowapp.ui.state.instance_groups import InstanceGroupsState, instance_group_line
from flowapp.ui.state.members import InvitationsState, MembersState, invitation_line, member_line
from flowapp.ui.state.parts import Part
from flowapp.workspace.errors import BadRequest
from tests.support.states import send, state_of
from tests.unit.ui.pages_workspace import TOKENS, FakeWorkspace


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


async def test_a_group_is_linked_where_the_dialog_has_the_field(workspace: FakeWorkspace) -> None:
    state = state_of(GroupsState)
    await send(state, "edit", "crew")
    workspace.listed = []
    await send(state, "save", {"summary": "", "instance_group": " ops "})
    assert workspace.updated == {"summary": "", "members": ["bo"], "instance_group": "ops"}


async def test_an_instance_group_is_shown_changed_and_asked_about(workspace: FakeWorkspace) -> None:
    state = state_of(InstanceGroupsState)
    place = {"workspace_id": "main", "workspace_name": "Main", "groups": ["crew"]}
    workspace.listed = [{"name": "ops", "summary": None, "emails": ["a@example.org"], "workspaces": [place]}]
    await send(state, "load")
    assert (state.over, [(line.name, line.note, line.people) for line in state.groups]) == (
        True,
        [("ops", "g/crew in Main", "1 person")],
    )
    await send(state, "edit", "ops")
    assert (state.summary, state.emails) == ("", "a@example.org\nb@example.org")
    await send(state, "save", {"summary": " Nights ", "emails": "c@example.org\n\n d@example.org, e@example.org\n"})
    emails = ["c@example.org", "d@example.org", "e@example.org"]
    assert workspace.updated == {"name": "ops", "new_summary": "Nights", "emails": emails}
    await send(state, "edit", "")
    await send(state, "save", {"name": "dev", "summary": "", "emails": ""})
    assert workspace.updated == {"name": "dev", "summary": "", "emails": []}
    await send(state, "ask", "ops")
    assert (state.deleting, state.users) == ("ops", ["g/crew in Main", "g/night in Main"])


async def test_a_new_summary_alone_leaves_the_people_whom_others_change_meanwhile(workspace: FakeWorkspace) -> None:
    state = state_of(InstanceGroupsState)
    await send(state, "edit", "ops")
    workspace.listed = []
    await send(state, "save", {"summary": "Nights", "emails": "a@example.org\r\nb@example.org\r\n"})
    assert workspace.updated == {"name": "ops", "new_summary": "Nights"}


async def test_who_is_no_super_admin_sees_no_instance_groups(workspace: FakeWorkspace) -> None:
    workspace.fails = NotAllowed("Only a super admin of this installation can do this.")
    state = state_of(InstanceGroupsState)
    await send(state, "load")
    assert (state.over, state.groups, state.problem, state.loaded) == (False, [], "", True)


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
    linked = {
        "name": "crew",
        "summary": "",
        "members": ["bo"],
        "instance_members": ["ada", "bo"],
        "instance_group": "ops",
    }
    assert (group_line(linked, True).note, group_line(linked, True).members) == ("ada, bo · linked to ops", "2 members")
    nowhere = {"name": "ops", "summary": "Ops", "emails": [], "workspaces": []}
    assert instance_group_line(nowhere).note == "Ops · linked nowhere"
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
