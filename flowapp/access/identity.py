"""Who asks: the identity that every use-case takes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from flowapp.jsontext import canonical, hash_of

Role = Literal["admin", "developer", "operator", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)
FolderRight = Literal["owner", "write", "read", "none"]
Grant = Literal["write", "read"]

INSTANCE = ""
"""The workspace of questions about the installation and one's own account, not about any workspace."""

EVERYBODY = "all"
"""The group that every member of a workspace is in."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person (or a job on a person's behalf) within one workspace.

    `role` is "none" for somebody who is not a member: every decision is then Denied and hidden. `folders` says what the
    person may do in each folder that exists; a name that nobody made a folder of is missing there. `grants` are what single
    things give beside their path, by kind and path (of a group: its name). `scopes` are what a
    token is limited to, None for no limit. `job` is the id of the job that asks, and `run`
    the run that it belongs to; "" when a person does.
    """

    workspace: str
    email: str
    username: str
    role: Role | Literal["none"]
    groups: frozenset[str] = field(default_factory=frozenset)
    folders: Mapping[str, FolderRight] = field(default_factory=dict, hash=False)
    scopes: tuple[str, ...] | None = None
    job: str = ""
    run: str = ""
    super_admin: bool = False
    grants: Mapping[tuple[str, str], Grant] = field(default_factory=dict, hash=False)

    @property
    def permissioned_as(self) -> str:
        """The Windmill form of the identity, `u/<username>`; runs carry it."""
        return f"u/{self.username}"

    def rights(self) -> str:
        """Hash of the effective rights: results are shared only between identities that have equal ones."""
        folders = sorted(self.folders.items())
        grants = [[*thing, given] for thing, given in sorted(self.grants.items())]
        return hash_of(canonical([self.workspace, self.username, self.role, sorted(self.groups), folders, grants]))


@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """Whoever holds a sharing link: nobody by name, who may look at one thing and at nothing else.

    `target` is the id of the run, or the path of the flow, that the link was made for.
    """

    workspace: str
    kind: Literal["run", "flow"]
    target: str
