"""The policy: each line of the threat model as a test."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.access.errors import NotAllowed, NotFound, TooManyAttempts
from flowapp.access.identity import ROLES, Identity
from flowapp.access.limits import AttemptLimiter
from flowapp.access.policy import GRANTS, Action, Allowed, Denied, Kind, Target, decide, require
from flowapp.access.tokens import hash_token, new_token, same_token

ACTIONS: tuple[Action, ...] = get_args(Action)
KINDS: tuple[Kind, ...] = get_args(Kind)

targets = st.builds(
    Target,
    workspace=st.sampled_from(["main", "other"]),
    kind=st.sampled_from(KINDS),
    path=st.sampled_from(["", "u/ada/x", "u/bo/x", "f/team/x"]),
    owner=st.sampled_from([None, "ada", "bo"]),
    private=st.booleans(),
)
identities = st.builds(
    Identity,
    workspace=st.sampled_from(["main", "other"]),
    email=st.just("ada@example.org"),
    username=st.sampled_from(["ada", "bo"]),
    role=st.sampled_from([*ROLES, "none"]),
)


def person(role: str = "developer", name: str = "ada", workspace: str = "main") -> Identity:
    return Identity(workspace, f"{name}@example.org", name, role)  # type: ignore[arg-type] # a role by name


@given(identities, st.sampled_from(ACTIONS), targets)
def test_nobody_reaches_across_workspaces(identity: Identity, action: Action, target: Target) -> None:
    decision = decide(identity, action, target)
    if identity.workspace != target.workspace or identity.role == "none":
        assert isinstance(decision, Denied) and decision.hidden


@given(identities, st.sampled_from(ACTIONS), targets)
def test_nobody_does_more_than_the_role_grants(identity: Identity, action: Action, target: Target) -> None:
    if isinstance(decide(identity, action, target), Allowed):
        assert identity.role != "none" and action in GRANTS[identity.role]


@given(identities, st.sampled_from(ACTIONS), targets)
def test_private_things_are_for_owners_and_admins(identity: Identity, action: Action, target: Target) -> None:
    if target.private and target.owner != identity.username and identity.role != "admin":
        decision = decide(identity, action, target)
        assert isinstance(decision, Denied) and decision.hidden


def test_roles_are_nested() -> None:
    assert GRANTS["viewer"] < GRANTS["operator"] < GRANTS["developer"] < GRANTS["admin"] == set(ACTIONS)


def test_an_operator_cancels_only_their_own_runs() -> None:
    mine, others = Target("main", "run", owner="ada"), Target("main", "run", owner="bo")
    assert isinstance(decide(person("operator"), "run.cancel", mine), Allowed)
    assert decide(person("operator"), "run.cancel", others) == Denied(
        "An operator can cancel only the runs they started."
    )
    assert isinstance(decide(person("developer"), "run.cancel", others), Allowed)


def test_refusals_say_what_they_may() -> None:
    with pytest.raises(NotFound) as hidden:
        require(person(), "flow.read", Target("main", "flow", path="u/bo/x"))
    assert hidden.value.message == "There is no such flow here."
    with pytest.raises(NotAllowed) as refused:
        require(person("viewer"), "draft.create", Target("main", "workspace"))
    assert "As a viewer" in refused.value.message


def test_rights_differ_with_everything_that_gives_rights() -> None:
    base = person()
    others = [
        person("admin"),
        person(name="bo"),
        person(workspace="other"),
        Identity("main", "x", "ada", "developer", frozenset("g")),
    ]
    assert len({base.rights(), *(other.rights() for other in others)}) == 5


class TestTokens:
    def test_tokens_differ_and_are_recognised(self) -> None:
        one, two = new_token("api"), new_token("api")
        assert one != two and one.startswith("fa_") and len(one) > 40
        assert hash_token(one) == hash_token(f" {one} ") != hash_token(two)

    def test_an_unset_token_matches_nothing(self) -> None:
        assert not same_token("", "") and not same_token(" ", " ")
        assert same_token("secret", "secret") and not same_token("secret", "other")


class TestLimiter:
    def make(self) -> tuple[AttemptLimiter, list[float]]:
        time = [0.0]
        return AttemptLimiter(limit=3, window_s=60, total=10, max_keys=5, clock=lambda: time[0]), time

    def test_a_key_waits_after_its_limit(self) -> None:
        limiter, time = self.make()
        for _ in range(3):
            limiter.check("a")
            limiter.failed("a")
        with pytest.raises(TooManyAttempts) as refused:
            limiter.check("a")
        assert refused.value.retry_after_s == 60
        limiter.check("b")
        time[0] = 61
        limiter.check("a")

    def test_success_forgets(self) -> None:
        limiter, _ = self.make()
        for _ in range(3):
            limiter.failed("a")
        limiter.succeeded("a")
        limiter.check("a")

    def test_memory_is_bounded_and_many_addresses_meet_the_total(self) -> None:
        limiter, _ = self.make()
        for number in range(10):
            limiter.failed(str(number))
        assert len(limiter) == 5
        with pytest.raises(TooManyAttempts):
            limiter.check("fresh")
