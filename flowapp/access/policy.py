"""The one policy: may this identity do this to that?

Pure. Every use-case of `workspace/` asks `require` before it reads or writes anything; nobody else decides. The rules, in
words: nothing is known across workspaces; a viewer reads what is deployed and its runs; an operator also runs it; a
developer also has drafts, deploys and cancels; an admin may do everything in the workspace. A draft and the runs of its
cells belong to their owner, because results may hold what only the owner may read. `u/<name>/…` belongs to that person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from flowapp.access.errors import NotAllowed, NotFound
from flowapp.access.identity import Identity, Role

Action = Literal[
    "workspace.read",
    "draft.create",
    "draft.read",
    "draft.edit",
    "draft.run",
    "draft.delete",
    "flow.read",
    "flow.run",
    "flow.deploy",
    "script.run",
    "run.read",
    "run.cancel",
    "variable.use",
    "variable.read",
    "variable.write",
    "member.manage",
]
Kind = Literal["workspace", "draft", "flow", "script", "run", "variable"]

_VIEWER: frozenset[Action] = frozenset({"workspace.read", "flow.read", "run.read"})
# `variable.use`: what one runs may read it; `variable.read`: one may look at it oneself
_OPERATOR: frozenset[Action] = _VIEWER | {"flow.run", "script.run", "run.cancel", "variable.use"}
_DEVELOPER: frozenset[Action] = _OPERATOR | {
    "draft.create",
    "draft.read",
    "draft.edit",
    "draft.run",
    "draft.delete",
    "flow.deploy",
    "variable.read",
    "variable.write",
}
_ADMIN: frozenset[Action] = _DEVELOPER | {"member.manage"}
GRANTS: dict[Role, frozenset[Action]] = {
    "viewer": _VIEWER,
    "operator": _OPERATOR,
    "developer": _DEVELOPER,
    "admin": _ADMIN,
}


@dataclass(frozen=True, slots=True)
class Target:
    """What the action is done to. `owner` is a username; `private` things are for owner and admins only."""

    workspace: str
    kind: Kind
    path: str = ""
    owner: str | None = None
    private: bool = False


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


def decide(identity: Identity, action: Action, target: Target) -> Decision:
    """Whether `identity` may do `action` to `target`."""
    if identity.role == "none" or identity.workspace != target.workspace:
        return _HIDDEN
    if identity.role == "admin":
        return _ALLOWED
    mine = target.owner is not None and target.owner == identity.username
    if not mine and (target.private or _someone_elses(identity, target.path)):
        return _HIDDEN
    if action not in GRANTS[identity.role]:
        return Denied(f"As {_article(identity.role)} {identity.role} you cannot do this ({action}).")
    if action == "run.cancel" and identity.role == "operator" and not mine:
        return Denied("An operator can cancel only the runs they started.")
    return _ALLOWED


def require(identity: Identity, action: Action, target: Target) -> None:
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
    raise NotAllowed(decision.reason, "Ask an admin of the workspace for another role.")


def missing(kind: str) -> NotFound:
    """The error for a thing that does not exist, and for one that must look so: they are the same."""
    return NotFound(f"There is no such {kind} here.", "It may have been deleted, or the link is for another workspace.")


def _someone_elses(identity: Identity, path: str) -> bool:
    kind, _, rest = path.partition("/")
    return kind == "u" and rest.partition("/")[0] != identity.username


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
