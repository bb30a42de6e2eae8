"""Who may answer a request for approval. One function for every door: signed link, API, page, inbox, notebook.

In words: whoever holds a signed link may answer, and so may whoever may approve the run (operators and above, where the flow's
path lets them), and members of a group that the request names; where the step itself hands out its links, everyone who may
read the run. If the request asks for sign-in, for groups, or forbids self-approval, an answer needs a signed-in member of
the workspace who meets all of it, whichever way it comes. Admins are past these conditions, a job of theirs is not.
Whom the request was escalated to, and to whom a member handed their vote, stand in for the groups (never for self-approval), if
they may read the run. Who handed their vote on has none until they take it back.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowapp.access import policy
from flowapp.access.errors import NotAllowed, NotSignedIn
from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, Decision, Denied, Target

MAX_RESUME_ID = 2**32 - 1
_ALLOWED = Allowed()
SIGN_IN = Denied("This request is answered by people who are signed in.")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request demands of whoever answers. `started_by` are the usernames that count as oneself.

    `also_groups` and `also_people` were asked later, by escalation; `delegates` says who handed their vote to whom.
    """

    sign_in: bool = False
    groups: frozenset[str] = frozenset()
    no_self_approval: bool = False
    prompt: bool = False
    started_by: frozenset[str] = frozenset()
    also_groups: frozenset[str] = frozenset()
    also_people: frozenset[str] = frozenset()
    delegates: Mapping[str, str] = field(default_factory=dict, hash=False)

    def stands_in(self, member: Identity) -> bool:
        """Whether the member is asked beside the groups: by escalation, or in somebody's place."""
        asked = member.username in self.also_people or bool(self.also_groups & member.groups)
        return asked or member.username in self.delegates.values()

    @property
    def needs_sign_in(self) -> bool:
        """Whether an answer needs a person: without one, groups and self-approval could not be looked at."""
        return self.sign_in or self.no_self_approval or bool(self.groups)


def conditions_of(terms: Mapping[str, Any], started_by: Iterable[str]) -> Conditions:
    """The conditions in the stored terms of a wait; `started_by` are usernames (also in their form `u/<name>`)."""
    extras = terms.get("extras") if terms.get("escalated") else None
    to = [str(name) for name in extras.get("escalate_to") or ()] if isinstance(extras, Mapping) else []
    return Conditions(
        sign_in=bool(terms.get("user_auth_required")),
        groups=frozenset(str(name) for name in terms.get("groups") or ()),
        no_self_approval=bool(terms.get("self_approval_disabled")),
        prompt=bool(terms.get("prompt")),
        started_by=frozenset(name.removeprefix("u/") for name in started_by if name),
        also_groups=frozenset(name.removeprefix("g/") for name in to if name.startswith("g/")),
        also_people=frozenset(name.removeprefix("u/") for name in to if name.startswith("u/")),
        delegates={str(giver): str(whom) for giver, whom in (terms.get("delegates") or {}).items()},
    )


@dataclass(frozen=True, slots=True)
class Asker:
    """Who answers: a member (None for a stranger), and whether they came by a link whose signature is right."""

    identity: Identity | None
    by_link: bool = False


def decide(asker: Asker, conditions: Conditions, target: Target) -> Decision:
    """Whether the asker may answer a request about the run `target`."""
    identity = asker.identity
    member = identity if identity is not None and identity.role != "none" else None
    if member is None or member.workspace != target.workspace:
        if not asker.by_link:
            return policy.decide(identity, "run.approve", target) if identity is not None else SIGN_IN
        return SIGN_IN if conditions.needs_sign_in else _ALLOWED
    refused = _refused(member, conditions)
    if refused is not None:
        return refused
    if asker.by_link:
        return _ALLOWED
    reads = policy.decide(member, "run.read", target)
    asked = conditions.prompt or conditions.groups & member.groups or conditions.stands_in(member)
    if isinstance(reads, Allowed) and asked:
        return _ALLOWED
    return policy.decide(member, "run.approve", target)


def require(asker: Asker, conditions: Conditions, target: Target) -> None:
    """Raise unless the asker may answer.

    Raises:
        NotSignedIn: it needs somebody who is signed in, and nobody is.
        NotFound: the run must look as if it did not exist.
        NotAllowed: the conditions are not met.
    """
    decision = decide(asker, conditions, target)
    if isinstance(decision, Allowed):
        return
    if decision.hidden:
        raise policy.missing(target.kind)
    if decision is SIGN_IN and asker.identity is None:
        raise NotSignedIn(decision.reason, "Sign in, then answer.")
    raise NotAllowed(decision.reason, "Ask somebody who may.")


def is_past_conditions(asker: Asker, conditions: Conditions) -> str:
    """What an admin may do only for being one, in words for them; empty where everybody in their place might."""
    identity = asker.identity
    if identity is None or identity.role != "admin" or identity.job:
        return ""
    if conditions.no_self_approval and identity.username in conditions.started_by:
        return "You started this run. Others may not approve their own runs; as an admin you may."
    if conditions.groups and not conditions.groups & identity.groups and not conditions.stands_in(identity):
        return "You are in none of the groups that are asked. As an admin you may answer."
    return ""


def signature(key: str, job_id: str, resume_id: int, approver: str = "") -> str:
    """The hex HMAC-SHA256 of a link: job id (16 bytes), resume id (32 bits, big endian), approver where given.

    Raises:
        ValueError: no UUID, or a resume id out of range.
    """
    if not 0 <= resume_id <= MAX_RESUME_ID:
        raise ValueError("resume id out of range")
    message = uuid.UUID(job_id).bytes + struct.pack(">I", resume_id) + approver.encode("utf-8", "surrogatepass")
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def signed(key: str, job_id: str, resume_id: int, approver: str, given: str) -> bool:
    """Whether `given` is the signature of the link, compared in constant time."""
    try:
        expected = signature(key, job_id, resume_id, approver)
    except ValueError:
        return False
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode("utf-8", "replace"))


def may_hand_on(member: Identity, conditions: Conditions, target: Target) -> Decision:
    """Whether a member may hand their vote to somebody else, or take it back: it must be theirs, without a link or a delegation."""
    if member.job:
        return Denied("A job has no vote to hand on.")
    if member.username in conditions.delegates.values():
        return Denied("You answer in somebody's place already: that vote goes no further.")
    others = {giver: to for giver, to in conditions.delegates.items() if giver != member.username}
    return decide(Asker(member), replace(conditions, delegates=others), target)


def may_stand_in(member: Identity, giver: str, conditions: Conditions, target: Target) -> Decision:
    """Whether `giver` may hand their vote to this member, who must not have one already: each person counts once."""
    if member.username in conditions.delegates:
        return Denied(f"{member.username} has handed on a vote of their own.")
    if isinstance(decide(Asker(member), conditions, target), Allowed):
        return Denied(f"{member.username} may answer already: just ask them.")
    return decide(
        Asker(member), replace(conditions, delegates={**conditions.delegates, giver: member.username}), target
    )


def _refused(member: Identity, conditions: Conditions) -> Denied | None:
    handed = conditions.delegates.get(member.username)
    if handed is not None:
        return Denied(f"You handed your vote to {handed}.")
    if member.role == "admin" and not member.job:
        return None
    if conditions.no_self_approval and member.username in conditions.started_by:
        return Denied("Whoever started this run may not approve it.")
    if conditions.groups and not conditions.groups & member.groups and not conditions.stands_in(member):
        names = ", ".join(sorted(conditions.groups | conditions.also_groups))
        return Denied(f"This request is for members of {names}.")
    return None
