"""The policy: each line of the threat model as a test."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.access.errors import NotAllowed, NotFound, ScopeInvalid, TooManyAttempts
from flowapp.access.identity import INSTANCE, ROLES, FolderRight, Identity, LinkIdentity
from flowapp.access.limits import AttemptLimiter
from flowapp.access.policy import GRANTS, Action, Allowed, Denied, Kind, Target, decide, require
from flowapp.access.scopes import Scope, covered, needed, parse
from flowapp.access.tokens import hash_token, new_token, same_token

ACTIONS: tuple[Action, ...] = get_args(Action)
KINDS: tuple[Kind, ...] = get_args(Kind)
RIGHTS: tuple[FolderRight, ...] = get_args(FolderRight)
#: Actions that are not about any workspace.
BEYOND: set[Action] = {"account.read", "account.manage", "instance.manage"}

targets = st.builds(
    Target,
    workspace=st.sampled_from(["main", "other", INSTANCE]),
    kind=st.sampled_from(KINDS),
    path=st.sampled_from(["", "u/ada/x", "u/bo/x", "f/team/x", "f/open/x", "g/crew/x", "g/all/x"]),
    owner=st.sampled_from([None, "ada", "bo"]),
    private=st.booleans(),
    id=st.sampled_from(["", "run-1", "run-2"]),
)
identities = st.builds(
    Identity,
    workspace=st.sampled_from(["main", "other", INSTANCE]),
    email=st.just("ada@example.org"),
    username=st.sampled_from(["ada", "bo"]),
    role=st.sampled_from([*ROLES, "none"]),
    groups=st.sampled_from([frozenset(), frozenset({"all"}), frozenset({"crew", "all"})]),
    folders=st.sampled_from([{}, *({"team": right} for right in RIGHTS)]),
    scopes=st.sampled_from([None, (), ("*:read",), ("flows:write:f/team/*",), ("jobs:run:flows",), ("nonsense",)]),
    job=st.sampled_from(["", "job-1"]),
    super_admin=st.booleans(),
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
        assert identity.role != "none"
        assert action in (BEYOND if target.workspace == INSTANCE else GRANTS[identity.role])


@given(identities, st.sampled_from(ACTIONS), targets)
def test_private_things_are_for_owners_and_admins(identity: Identity, action: Action, target: Target) -> None:
    if target.private and target.owner != identity.username and (identity.role != "admin" or not identity.workspace):
        decision = decide(identity, action, target)
        assert isinstance(decision, Denied) and decision.hidden


def test_roles_are_nested() -> None:
    assert GRANTS["viewer"] < GRANTS["operator"] < GRANTS["developer"] < GRANTS["admin"] == set(ACTIONS) - BEYOND


def test_an_operator_cancels_only_their_own_runs() -> None:
    mine, others = Target("main", "run", owner="ada"), Target("main", "run", owner="bo")
    assert isinstance(decide(person("operator"), "run.cancel", mine), Allowed)
    assert decide(person("operator"), "run.cancel", others) == Denied(
        "An operator can cancel only the runs they started."
    )
    assert isinstance(decide(person("developer"), "run.cancel", others), Allowed)


@pytest.mark.parametrize(
    ("role", "action", "target", "allowed"),
    [
        ("viewer", "run_view.create", Target("main", "run view", owner="ada"), True),
        ("viewer", "run_view.delete", Target("main", "run view", owner="ada"), True),
        ("operator", "run_view.share", Target("main", "run view", owner="ada"), False),
        ("developer", "run_view.share", Target("main", "run view", owner="ada"), True),
        ("developer", "run_view.edit", Target("main", "run view", owner="bo"), False),
        ("developer", "run_view.delete", Target("main", "run view", owner="bo"), False),
        ("viewer", "run_view.read", Target("main", "run view", owner="bo"), True),
        ("admin", "run_view.delete", Target("main", "run view", owner="bo", private=True), True),
    ],
)
def test_views_of_runs_belong_to_who_keeps_them(role: str, action: Action, target: Target, allowed: bool) -> None:
    assert isinstance(decide(person(role), action, target), Allowed) is allowed
    job = replace(person(role), job="job-1")
    assert isinstance(decide(job, action, target), Allowed) is (allowed and action != "run_view.share")


def test_refusals_say_what_they_may() -> None:
    with pytest.raises(NotFound) as hidden:
        require(person(), "flow.read", Target("main", "flow", path="u/bo/x"))
    assert hidden.value.message == "There is no such flow here."
    with pytest.raises(NotAllowed) as refused:
        require(person("viewer"), "draft.create", Target("main", "workspace"))
    assert "As a viewer" in refused.value.message


@given(identities, st.sampled_from(ACTIONS), targets)
def test_scopes_and_jobs_only_ever_take_away(identity: Identity, action: Action, target: Target) -> None:
    if isinstance(decide(identity, action, target), Allowed):
        assert isinstance(decide(replace(identity, scopes=None), action, target), Allowed)
    if identity.scopes in ((), ("nonsense",)) and action not in ("workspace.read", "account.read"):
        assert isinstance(decide(identity, action, target), Denied)


@given(identities, st.sampled_from(ACTIONS), targets)
def test_a_token_that_only_reads_changes_nothing(identity: Identity, action: Action, target: Target) -> None:
    if isinstance(decide(replace(identity, scopes=("*:read",)), action, target), Allowed):
        assert action.rpartition(".")[2] in ("read", "use")


@given(identities, st.sampled_from(ACTIONS), targets)
def test_a_closed_folder_is_unknown_and_its_viewers_change_nothing(
    identity: Identity, action: Action, target: Target
) -> None:
    if identity.role == "admin" or not target.path.startswith("f/team/") or target.owner == identity.username:
        return
    closed = decide(replace(identity, folders={"team": "none"}), action, target)
    assert isinstance(closed, Denied) and (closed.hidden or target.workspace == INSTANCE)
    if isinstance(decide(replace(identity, folders={"team": "read"}), action, target), Allowed):
        assert action.rpartition(".")[2] in ("read", "use", "run", "cancel", "approve", "share")


@given(identities, st.sampled_from(ACTIONS))
def test_only_super_admins_manage_the_installation(identity: Identity, action: Action) -> None:
    about = Target(INSTANCE, "account", owner="ada")
    if isinstance(decide(identity, action, about), Allowed):
        assert identity.super_admin or identity.username == "ada"
        assert identity.super_admin or action != "instance.manage"


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        ("owner", {"script.read", "script.run", "script.write", "folder.manage"}),
        ("write", {"script.read", "script.run", "script.write"}),
        ("read", {"script.read", "script.run"}),
        ("none", set()),
    ],
)
def test_what_a_folder_gives_a_developer(right: FolderRight, allowed: set[str]) -> None:
    ada = Identity("main", "ada@example.org", "ada", "developer", folders={"team": right})
    asked: tuple[Action, ...] = ("script.read", "script.run", "script.write", "folder.manage")
    target = Target("main", "script", path="f/team/x")
    assert {action for action in asked if isinstance(decide(ada, action, target), Allowed)} == allowed


def test_a_folder_gives_nobody_more_than_the_role() -> None:
    viewer = Identity("main", "ada@example.org", "ada", "viewer", folders={"team": "owner"})
    assert isinstance(decide(viewer, "script.write", Target("main", "script", path="f/team/x")), Denied)


def test_group_paths_are_for_the_group() -> None:
    path = Target("main", "resource", path="g/crew/db")
    member = Identity("main", "ada@example.org", "ada", "developer", frozenset({"crew"}))
    assert isinstance(decide(member, "resource.write", path), Allowed)
    assert decide(person(), "resource.read", path) == Denied("There is no such thing here.", hidden=True)


class TestScopes:
    @pytest.mark.parametrize(
        ("text", "action", "path", "allowed"),
        [
            ("scripts:read", "script.read", "f/a/x", True),
            ("scripts:read", "script.write", "f/a/x", False),
            ("scripts:write", "script.read", "f/a/x", True),
            ("scripts:read", "flow.read", "f/a/x", False),
            ("variables:read:f/a/*", "variable.read", "f/a/x", True),
            ("variables:read:f/a/*", "variable.use", "f/a/x", True),
            ("variables:read:f/a/*", "variable.read", "f/ab/x", False),
            ("variables:read:f/a/x", "variable.read", "f/a/xy", False),
            ("jobs:run:flows:f/a/x", "flow.run", "f/a/x", True),
            ("jobs:run:flows:f/a/x", "script.run", "f/a/x", False),
            ("jobs:run", "script.run", "f/a/x", True),
            ("jobs:run", "run.read", "", False),
            ("jobs:read", "run.read", "", True),
            ("run:script/f/a/x", "script.run", "f/a/x", True),
            ("run:flow/f/a/*", "flow.run", "f/a/y", True),
            ("*:read", "member.read", "", True),
            ("*:*", "member.manage", "", True),
        ],
    )
    def test_what_a_scope_covers(self, text: str, action: str, path: str, allowed: bool) -> None:
        assert covered((text,), action, path) is allowed

    @pytest.mark.parametrize("text", ["", "scripts", "Scripts:read", "scripts:look", "a:read:b c", "x" * 300])
    def test_what_is_no_scope(self, text: str) -> None:
        with pytest.raises(ScopeInvalid):
            parse(text)
        assert not covered((text,), "script.read", "")

    def test_every_action_needs_one(self) -> None:
        for action in ACTIONS:
            need = needed(action, "f/a/x")
            assert Scope("*", "*").covers(need) and need.domain.endswith("s")


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


@given(st.sampled_from(ACTIONS), targets, st.sampled_from(["run", "flow"]), st.sampled_from(["", "run-1", "f/team/x"]))
def test_a_sharing_link_reads_its_one_thing_and_nothing_else(
    action: Action, target: Target, kind: Literal["run", "flow"], named: str
) -> None:
    decision = decide(LinkIdentity("main", kind, named), action, target)
    found = target.id if kind == "run" else target.path
    its_own = action == f"{kind}.read" and target.workspace == "main" and target.kind == kind and found == named != ""
    assert isinstance(decision, Allowed) == its_own
    assert its_own or (isinstance(decision, Denied) and decision.hidden)


def test_a_sharing_link_of_a_flow_does_not_read_its_runs() -> None:
    link = LinkIdentity("main", "flow", "f/team/x")
    assert isinstance(decide(link, "flow.read", Target("main", "flow", path="f/team/x")), Allowed)
    for action, target in (
        ("flow.read", Target("other", "flow", path="f/team/x")),
        ("flow.read", Target("main", "flow", path="f/team/y")),
        ("flow.run", Target("main", "flow", path="f/team/x")),
        ("run.read", Target("main", "run", path="f/team/x", id="f/team/x")),
        ("script.read", Target("main", "script", path="f/team/x")),
    ):
        assert decide(link, cast("Action", action), target) == Denied("There is no such thing here.", hidden=True)


@pytest.mark.parametrize(
    ("action", "target"),
    [
        ("run.share", Target("main", "run", path="f/team/x", owner="bo", id="run-1")),
        ("flow.share", Target("main", "flow", path="f/team/x")),
    ],
)
@pytest.mark.parametrize(
    ("role", "right", "may"),
    [
        ("viewer", "owner", False),
        ("operator", "owner", False),
        ("developer", "read", True),
        ("developer", "none", False),
        ("admin", "none", True),
    ],
)
def test_developers_share_what_they_may_read(
    action: Action, target: Target, role: str, right: FolderRight, may: bool
) -> None:
    who = replace(person(role), folders={"team": right})
    assert isinstance(decide(who, action, target), Allowed) == may
    assert isinstance(decide(replace(who, job="job-1"), action, target), Denied), "a link would outlive the job"
    assert isinstance(decide(replace(who, scopes=("*:read",)), action, target), Denied)
    assert isinstance(decide(who, action, replace(target, workspace="other")), Denied)
    if role == "developer":
        assert isinstance(decide(who, action, replace(target, private=True)), Denied)


@pytest.mark.parametrize("role", ["developer", "admin"])
def test_a_job_gives_nobody_a_part_in_a_thing(role: str) -> None:
    who, target = replace(person(role), folders={"team": "owner"}), Target("main", "script", path="f/team/s")
    assert isinstance(decide(who, "acl.write", target), Allowed)
    assert isinstance(decide(replace(who, job="job-1"), "acl.write", target), Denied), "the part would outlive the job"


@pytest.mark.parametrize("role", ["developer", "admin"])
def test_the_words_of_a_comment_are_their_author_s(role: str) -> None:
    mine, others = Target("main", "comment", owner="ada"), Target("main", "comment", owner="bo")
    assert isinstance(decide(person(role), "comment.edit", mine), Allowed)
    assert isinstance(decide(person(role), "comment.edit", others), Denied)
    assert isinstance(decide(person(role), "comment.delete", others), Allowed if role == "admin" else Denied)


@pytest.mark.parametrize(
    ("role", "right", "reads", "writes"),
    [
        ("viewer", "owner", True, False),
        ("operator", "owner", True, False),
        ("developer", "read", True, True),
        ("developer", "none", False, False),
        ("admin", "none", True, True),
    ],
)
def test_developers_comment_on_the_flows_that_they_may_read(
    role: str, right: FolderRight, reads: bool, writes: bool
) -> None:
    who, flow = replace(person(role), folders={"team": right}), Target("main", "flow", path="f/team/report")
    assert isinstance(decide(who, "flow.read", flow), Allowed) == reads
    assert isinstance(decide(who, "flow.comment", flow), Allowed) == writes
    assert isinstance(decide(replace(who, scopes=("*:read",)), "flow.comment", flow), Denied)
    others = Target("main", "comment", path=flow.path, owner="bo")
    assert isinstance(decide(who, "comment.delete", others), Allowed) == (role == "admin")
