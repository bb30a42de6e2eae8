"""Role × action × object, through the HTTP API, the pages' own handlers and links: all doors say the same.

Every attempt has a folder of its own, in which the callers have their parts, and things in it. What the policy says of roles
alone is in tests/unit/access; what becomes of approvals by link, API, page and inbox is in test_api_approvals.py and
test_api_approval_page.py.
"""

from __future__ import annotations

from typing import get_args

import pytest

from flowapp.access import policy
from flowapp.access.identity import Identity, LinkIdentity
from flowapp.access.policy import Action
from flowapp.ui import services
from flowapp.ui.state.audit import AuditState
from tests.integration.api.api_server import Server
from tests.integration.api.rights import CALLERS, Deed, Table, W
from tests.integration.api.rights_of_people import LINKS, PEOPLE
from tests.integration.api.rights_of_stored_things import STORED
from tests.integration.api.rights_of_work import DRAFTS, FLOWS, NOUNS, RUNS
from tests.support.states import send, state_of

DEEDS = (*STORED, *FLOWS, *DRAFTS, *RUNS, *NOUNS, *PEOPLE, *LINKS)


@pytest.fixture
async def table(server: Server, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(services, "_bound", server.workspace)
    made = Table(server)
    await made.fill()
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The actions that the policy has allowed since."""
    found: set[str] = set()
    decide = policy.decide

    def listening(identity: Identity | LinkIdentity, action: Action, target: policy.Target) -> policy.Decision:
        decision = decide(identity, action, target)
        if isinstance(decision, policy.Allowed):
            found.add(action)
        return decision

    monkeypatch.setattr(policy, "decide", listening)
    return found


def test_no_action_of_the_policy_is_left_out() -> None:
    assert {deed.action for deed in DEEDS} == set(get_args(Action))
    names = [deed.name for deed in DEEDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name.replace(" ", "-"))
async def test_both_doors_say_the_same(deed: Deed, table: Table, asked: set[str]) -> None:
    await table.things(deed.needs)
    asked.clear()
    found = {caller: await table.by_api(deed, caller) for caller in deed.allowed}
    assert found == deed.allowed, "over HTTP"
    assert deed.action in asked or "yes" not in deed.allowed.values()
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
    for caller in CALLERS:
        client = table.clients[caller]
        made = await table.server.client.post(f"{W}/workspaces/invitations/create", json={"role": "operator"})
        answer = await client.post("/api/workspaces/join", json={"token": made.json()["token"]})
        member = CALLERS[caller][0]
        assert answer.status_code == {"stranger": 401, "olga": 200}.get(caller, 400), caller
        role = (await client.get(f"{W}/users/whoami")).json().get("role") if caller != "stranger" else ""
        assert role == (member or ("operator" if caller == "olga" else "")), caller
