"""Who asks: the identity that every use-case takes first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from flowapp.jsontext import canonical, hash_of

Role = Literal["admin", "developer", "operator", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person (or a job on a person's behalf) within one workspace.

    `role` is "none" for somebody who is not a member: every decision is then Denied and hidden.
    """

    workspace: str
    email: str
    username: str
    role: Role | Literal["none"]
    groups: frozenset[str] = field(default_factory=frozenset)

    @property
    def permissioned_as(self) -> str:
        """The Windmill form of the identity, `u/<username>`; runs carry it."""
        return f"u/{self.username}"

    def rights(self) -> str:
        """Hash of the effective rights: results are shared only between identities that have equal ones."""
        return hash_of(canonical([self.workspace, self.username, self.role, sorted(self.groups)]))
