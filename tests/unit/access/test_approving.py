"""Who may answer when a request was escalated or a vote handed on: one function for every door."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowapp.access.approving import (
    Asker,
    Conditions,
    conditions_of,
    decide,
    is_past_conditions,
    may_hand_on,
    may_stand_in,
)
from flowapp.access.identity import Identity, Role
from flowapp.access.policy import Allowed, Denied, Target

RUN = Target("main", "run", path="f/pay/out", owner="ann")


def person(name: str, role: Role = "operator", *groups: str, **more: str) -> Identity:
    return Identity("main", f"{name}@example.org", name, role, frozenset({"all", *groups}), **more)  # type: ignore[arg-type]


def may(identity: Identity, conditions: Conditions, *, by_link: bool = False) -> bool:
    return isinstance(decide(Asker(identity, by_link), conditions, RUN), Allowed)


BOARD = conditions_of({"groups": ["board"], "extras": {"escalate_after": 9, "escalate_to": ["g/leads", "u/vic"]}}, [])
LATER = conditions_of(
    {"groups": ["board"], "extras": {"escalate_to": ["g/leads", "u/vic"]}, "escalated": True}, ["ann"]
)


@pytest.mark.parametrize("by_link", [False, True])
def test_escalation_asks_others_beside_the_groups(by_link: bool) -> None:
    lead, vic, other = person("leo", "viewer", "leads"), person("vic", "viewer"), person("otto")
    assert not any(may(one, BOARD, by_link=by_link) for one in (lead, vic, other)), "not before its time"
    assert may(lead, LATER, by_link=by_link) and may(vic, LATER, by_link=by_link)
    assert not may(other, LATER, by_link=by_link)
    assert may(person("bea", "viewer", "board"), LATER, by_link=by_link), "the groups may still"


def test_escalation_takes_nothing_from_a_request_without_conditions() -> None:
    open_to_all = replace(LATER, groups=frozenset())
    assert may(person("otto"), open_to_all) and not open_to_all.needs_sign_in
    assert may(person("vic", "viewer"), open_to_all) and not may(person("una", "viewer"), open_to_all)


def test_nobody_stands_in_for_self_approval() -> None:
    strict = replace(LATER, no_self_approval=True, started_by=frozenset({"vic"}))
    assert not may(person("vic", "operator", "leads"), strict)
    handed = replace(strict, also_people=frozenset(), delegates={"bea": "vic"})
    assert not may(person("vic"), handed)


def test_who_stands_in_still_has_to_see_the_run() -> None:
    private = Target("main", "run", path="u/ann/pay", owner="ann", private=True)
    found = decide(Asker(person("vic")), LATER, private)
    assert isinstance(found, Denied) and found.hidden
    stranger = Identity("elsewhere", "vic@example.org", "vic", "admin")
    assert isinstance(decide(Asker(stranger), LATER, RUN), Denied)


class TestHandingOn:
    conditions = replace(BOARD, delegates={"bea": "otto"})
    bea, otto = person("bea", "viewer", "board"), person("otto", "viewer")

    def test_the_vote_is_the_delegates(self) -> None:
        assert not may(self.bea, self.conditions) and not may(self.bea, self.conditions, by_link=True)
        assert may(self.otto, self.conditions)
        assert not may(person("una", "viewer"), self.conditions)

    def test_an_admin_who_handed_on_has_no_vote_either(self) -> None:
        admin = person("ada", "admin")
        assert may(admin, self.conditions)
        assert not may(admin, replace(BOARD, delegates={"ada": "otto"}))

    def test_only_ones_own_vote_can_be_handed_on(self) -> None:
        assert isinstance(may_hand_on(self.bea, BOARD, RUN), Allowed)
        assert isinstance(may_hand_on(self.bea, self.conditions, RUN), Allowed), "to take it back, or to another one"
        assert isinstance(may_hand_on(self.otto, self.conditions, RUN), Denied), "it goes no further"
        assert isinstance(may_hand_on(person("una", "viewer"), BOARD, RUN), Denied), "a link gives no vote to hand on"
        assert isinstance(may_hand_on(person("bea", "viewer", "board", job="j"), BOARD, RUN), Denied)

    def test_nobody_gets_a_second_vote(self) -> None:
        assert isinstance(may_stand_in(self.otto, "bea", BOARD, RUN), Allowed)
        assert isinstance(may_stand_in(person("leo", "viewer", "board"), "bea", BOARD, RUN), Denied)
        assert isinstance(may_stand_in(self.otto, "leo", self.conditions, RUN), Denied)
        handed = may_stand_in(person("bea", "viewer", "board"), "leo", self.conditions, RUN)
        assert isinstance(handed, Denied) and "vote of their own" in handed.reason

    def test_who_started_the_run_cannot_be_given_a_vote(self) -> None:
        strict = replace(BOARD, no_self_approval=True, started_by=frozenset({"otto"}))
        assert isinstance(may_stand_in(self.otto, "bea", strict, RUN), Denied)

    def test_an_admin_in_somebodys_place_is_past_nothing(self) -> None:
        assert "none of the groups" in is_past_conditions(Asker(person("ada", "admin")), BOARD)
        assert is_past_conditions(Asker(person("vic", "admin")), LATER) == ""
