"""The one policy: may this identity do this to that?

Pure. Every use-case of `workspace/` asks `require` before it reads or writes anything; nobody else decides. The rules, in
words: nothing is known across workspaces; a viewer reads what is deployed and its runs; an operator also runs it; a
developer also has drafts, deploys and cancels; an admin may do everything in the workspace. Everybody keeps views of the list
of runs, which are their own until a developer or an admin shares theirs; who keeps one and admins change or delete it. A draft and the runs of its
cells belong to their owner, because results may hold what only the owner may read. Whoever sees a draft and may edit it comments
on its cells; on the steps of a deployed flow every developer comments who may read it, and whoever may read it reads
what is said of them. The words of a comment are changed by who wrote it, and taken away by them or an admin. `u/<name>/…` belongs to that person,
`g/<name>/…` to the members of the group. `f/<name>/…` belongs to those whom the folder names as owner, writer or viewer;
a name that nobody made a folder of is the team's, and roles alone decide. A script, flow, variable, resource or schedule may give
people and groups more than its path does, to look at it or to write it too; with a flow or script go its runs. Who owns the path says so.
Role and path (or the thing itself) must both allow. A group is managed by admins, and by developers whom it names; only admins
link one to an instance group, which super admins keep and which gives nothing where it is not linked. A token with scopes
may do what its person may *and* a scope covers. A job has the rights of the person whom it runs for, may use what that
person may only use, and keep its own state; it shares nothing, because a link would outlive it. A developer shares the runs
and flows that they may read. A stored file (an object) whose key is such a path is as open as the path, any other one is the
team's; viewers read them, operators and what runs for them write them. A sharing link reads the one run or flow that it was made for, and that is all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from flowapp.access.errors import NotAllowed, NotFound
from flowapp.access.identity import INSTANCE, FolderRight, Identity, LinkIdentity, Role
from flowapp.access.scopes import covered

Action = Literal[
    "account.read",
    "account.manage",
    "instance.manage",
    "workspace.read",
    "workspace.manage",
    "draft.create",
    "draft.read",
    "draft.edit",
    "draft.run",
    "draft.delete",
    "draft.comment",
    "comment.edit",
    "comment.delete",
    "flow.read",
    "flow.run",
    "flow.deploy",
    "flow.share",
    "flow.comment",
    "script.read",
    "script.run",
    "script.write",
    "run.read",
    "run.cancel",
    "run.approve",
    "run.share",
    "run_view.read",
    "run_view.create",
    "run_view.edit",
    "run_view.delete",
    "run_view.share",
    "variable.use",
    "variable.read",
    "variable.write",
    "resource.use",
    "resource.read",
    "resource.write",
    "resource_type.read",
    "resource_type.write",
    "object.read",
    "object.write",
    "state.write",
    "schedule.read",
    "schedule.write",
    "folder.read",
    "folder.create",
    "folder.manage",
    "group.read",
    "group.manage",
    "group.link",
    "acl.write",
    "member.read",
    "member.manage",
]
Kind = Literal[
    "account",
    "workspace",
    "draft",
    "comment",
    "flow",
    "script",
    "run",
    "run view",
    "variable",
    "resource",
    "resource type",
    "file",
    "schedule",
    "folder",
    "group",
    "user",
]

#: What everybody who is signed in may do, in no workspace: look at and manage their own account.
_ACCOUNT: frozenset[Action] = frozenset({"account.read", "account.manage"})
_VIEWER: frozenset[Action] = frozenset(
    {
        "workspace.read",
        "flow.read",
        "script.read",
        "run.read",
        "run_view.read",
        "run_view.create",
        "run_view.edit",
        "run_view.delete",
        "object.read",
        "resource_type.read",
        "schedule.read",
        "folder.read",
        "group.read",
        "member.read",
    }
)
# `….use`: what one runs may read it; `….read`: one may look at it oneself
_OPERATOR: frozenset[Action] = _VIEWER | {
    "flow.run",
    "script.run",
    "run.cancel",
    "run.approve",
    "variable.use",
    "resource.use",
    "object.write",
    "state.write",
}
_DEVELOPER: frozenset[Action] = _OPERATOR | {
    "draft.create",
    "draft.read",
    "draft.edit",
    "draft.run",
    "draft.delete",
    "draft.comment",
    "comment.edit",
    "comment.delete",
    "flow.deploy",
    "flow.share",
    "flow.comment",
    "script.write",
    "run.share",
    "run_view.share",
    "variable.read",
    "variable.write",
    "resource.read",
    "resource.write",
    "resource_type.write",
    "schedule.write",
    "folder.create",
    "folder.manage",
    "group.manage",
    "acl.write",
}
_ADMIN: frozenset[Action] = _DEVELOPER | {"workspace.manage", "member.manage", "group.link"}
GRANTS: dict[Role, frozenset[Action]] = {
    "viewer": _VIEWER,
    "operator": _OPERATOR,
    "developer": _DEVELOPER,
    "admin": _ADMIN,
}
_INSTANCE_GRANTS: frozenset[Action] = _ACCOUNT | {"instance.manage"}

_SHARING: frozenset[Action] = frozenset({"run.share", "flow.share"})
#: Verbs for which a folder's viewers are enough; anything else needs a writer.
_LOOKING = frozenset({"read", "use", "run", "cancel", "approve", "share", "comment"})


@dataclass(frozen=True, slots=True)
class Target:
    """What the action is done to. `owner` is a username; `private` things are for owner and admins only; `id` is a run's, or the name
    of the group that is managed. `of`: the kind of thing at the path that this belongs to, where it is no such thing itself.
    """

    workspace: str
    kind: Kind
    path: str = ""
    owner: str | None = None
    private: bool = False
    id: str = ""
    of: Kind | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Refused. `hidden`: answer exactly as if the target did not exist."""

    reason: str
    hidden: bool = False


Decision: TypeAlias = Allowed | Denied

_ALLOWED = Allowed()
_HIDDEN = Denied("There is no such thing here.", hidden=True)


def decide(identity: Identity | LinkIdentity, action: Action, target: Target) -> Decision:
    """Whether `identity` may do `action` to `target`."""
    if isinstance(identity, LinkIdentity):
        return _by_link(identity, action, target)
    if identity.role == "none" or identity.workspace != target.workspace:
        return _HIDDEN
    mine = target.owner is not None and target.owner == identity.username
    if target.workspace == INSTANCE:
        decision = _in_no_workspace(identity, action, target, mine)
    elif identity.role == "admin":
        decision = _ALLOWED if action in GRANTS["admin"] else _HIDDEN
    else:
        decision = _by_role_and_path(identity, action, target, mine)
    if action in _SHARING and identity.job and isinstance(decision, Allowed):
        return Denied(f"A job cannot share a {target.kind}: the link would outlive it.")
    if action == "acl.write" and identity.job and isinstance(decision, Allowed):
        return Denied(f"A job gives nobody a part in a {target.kind}, and takes none away: that would outlive it.")
    if action == "group.link" and identity.job and isinstance(decision, Allowed):
        return Denied("A job links no group to an instance group, and ends no such link: that would outlive it.")
    if action == "run_view.share" and identity.job and isinstance(decision, Allowed):
        return Denied("A job shares no view of the runs: it would outlive the job.")
    if action == "comment.edit" and not mine and isinstance(decision, Allowed):
        return Denied("Only who wrote a comment changes its words.")
    if isinstance(decision, Allowed) and not _scoped(identity, action, target.path):
        return Denied(f"This token lacks the required scope ({action}{' of ' if target.path else ''}{target.path}).")
    return decision


def require(identity: Identity | LinkIdentity, action: Action, target: Target) -> None:
    """Raise unless allowed.

    Raises:
        NotFound: the target must look as if it did not exist.
        NotAllowed: the identity may know of the target, and may not do this.
    """
    decision = decide(identity, action, target)
    if isinstance(decision, Allowed):
        return
    if decision.hidden:
        raise missing(target.kind)
    hint = (
        "Ask an admin of the workspace for another role."
        if isinstance(identity, LinkIdentity) or identity.scopes is None
        else "Use another token."
    )
    raise NotAllowed(decision.reason, hint)


def missing(kind: str) -> NotFound:
    """The error for a thing that does not exist, and for one that must look so: they are the same."""
    return NotFound(f"There is no such {kind} here.", "It may have been deleted, or the link is for another workspace.")


def right_at(identity: Identity, path: str) -> FolderRight:
    """What a member's path rights are at `path`, whatever the role; for admins everything is their own."""
    kind, _, rest = path.partition("/")
    name = rest.partition("/")[0]
    if identity.role == "admin":
        return "owner"
    if kind == "u":
        return "owner" if name == identity.username else "none"
    if kind == "g":
        return "write" if name in identity.groups else "none"
    if kind == "f":
        return identity.folders.get(name, "write")
    return "write"


def right_on(identity: Identity, target: Target) -> FolderRight:
    """The same of one thing: what its path gives, or what the thing itself does, whichever is more."""
    right = right_at(identity, target.path)
    given = identity.grants.get((target.of or target.kind, target.path))
    return given if given is not None and right in ("none", "read") else right


def thing_of(run_kind: str) -> Kind | None:
    """What a run is of, by the run's kind: the flow or script at its path. None for runs that are of nothing stored."""
    return "flow" if run_kind == "flow" else "script" if run_kind == "script" else None


def _by_link(link: LinkIdentity, action: Action, target: Target) -> Decision:
    named = target.id if target.kind == "run" else target.path
    same = target.kind == link.kind and target.workspace == link.workspace and named == link.target
    return _ALLOWED if action == f"{link.kind}.read" and same and link.target else _HIDDEN


def _by_role_and_path(identity: Identity, action: Action, target: Target, mine: bool) -> Decision:
    assert identity.role != "none"
    right = right_on(identity, target)
    if not mine and (target.private or right == "none"):
        return _HIDDEN
    if action not in GRANTS[identity.role]:
        return Denied(f"As {_article(identity.role)} {identity.role} you cannot do this ({action}).")
    if action == "run.cancel" and identity.role == "operator" and not mine:
        return Denied("An operator can cancel only the runs they started.")
    if action == "comment.delete" and not mine:
        return Denied("Only who wrote a comment, and admins of the workspace, delete it.")
    if action in ("run_view.edit", "run_view.delete") and not mine:
        return Denied("Only who keeps a view, and admins of the workspace, change or delete it.")
    if not mine and right == "read" and action.rpartition(".")[2] not in _LOOKING:
        return Denied(f"In this folder you may look at things, not change them ({target.path}).")
    if action == "folder.manage" and right != "owner":
        return Denied("Only the folder's owners and admins of the workspace can do this.")
    if action == "acl.write" and not _owns(identity, target.path):
        return Denied(
            "Only who owns the place where it is, and admins of the workspace, say who else has a part in it."
        )
    if action == "group.manage" and (not target.id or identity.grants.get(("group", target.id)) != "write"):
        return Denied("As a developer you cannot do this (group.manage), but in groups that name you for it.")
    return _ALLOWED


def _owns(identity: Identity, path: str) -> bool:
    """Whether a place is theirs: their own, their folder's, their group's, or a name that is the team's."""
    kind, _, rest = path.partition("/")
    right = right_at(identity, path)
    return right == "owner" or (right == "write" and not (kind == "f" and rest.partition("/")[0] in identity.folders))


def _in_no_workspace(identity: Identity, action: Action, target: Target, mine: bool) -> Decision:
    if action not in _INSTANCE_GRANTS or ((target.private or action in _ACCOUNT) and not mine):
        return _HIDDEN
    if action == "instance.manage" and not identity.super_admin:
        return Denied("Only a super admin of this installation can do this.")
    return _ALLOWED


def _scoped(identity: Identity, action: Action, path: str) -> bool:
    """Whether the token's scopes allow it. That there is a workspace, and whose token it is, every token may know."""
    if identity.scopes is None or action in ("workspace.read", "account.read"):
        return True
    return covered(identity.scopes, action, path)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
