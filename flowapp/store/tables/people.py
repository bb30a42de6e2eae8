"""The tables of who there is, in which workspace and with which rights, and of what they did."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class WorkspaceRow(SQLModel, table=True):
    """A team's space. Nothing is read across workspaces."""

    __tablename__ = "workspace"
    id: str = Field(primary_key=True)
    name: str
    key: str  #: secret for signatures of this workspace
    created_at: str
    settings: str = "{}"  #: JSON text: retention, …


class UserRow(SQLModel, table=True):
    """A person (or the first admin). `username` is what paths `u/<username>/…` name."""

    __tablename__ = "user"
    email: str = Field(primary_key=True)
    username: str = Field(unique=True)
    super_admin: bool = False
    disabled: bool = False
    created_at: str
    name: str = ""
    password: str | None = None  #: argon2 hash
    claimed: bool = False  #: the email is what the person typed on an open invitation: nobody has confirmed it
    oidc: str | None = Field(default=None, index=True, unique=True)  #: issuer and subject that sign this person in


class MemberRow(SQLModel, table=True):
    """A person's role in a workspace: admin, developer, operator or viewer."""

    __tablename__ = "member"
    workspace: str = Field(primary_key=True)
    email: str = Field(primary_key=True)
    role: str
    seen_at: str | None = None  #: when the person was last here, to a few minutes


class InvitationRow(SQLModel, table=True):
    """A link by which people join a workspace; its token is stored as a hash only. `uses` of it are left."""

    __tablename__ = "invitation"
    id: str = Field(primary_key=True)
    hash: str = Field(unique=True)
    workspace: str = Field(index=True)
    role: str
    email: str = ""  #: only this person; "" for whoever has the link
    uses: int = 1
    created_by: str
    created_at: str
    expires_at: str


class TokenRow(SQLModel, table=True):
    """A session or API token, stored as a hash only. `kind`: session, api, signin (one-time), job."""

    __tablename__ = "token"
    hash: str = Field(primary_key=True)
    kind: str
    email: str = Field(index=True)
    label: str = ""
    created_at: str
    expires_at: str | None = None
    used_at: str | None = None  #: kind signin: when it was spent; else when it was last used, to a few minutes
    prefix: str = ""  #: the first characters, by which lists show it
    workspace: str | None = None  #: valid in this workspace only
    scopes: str | None = None  #: JSON text: list of scopes; None allows all that the person may
    job: str | None = Field(default=None, index=True)  #: kind job: the job id that it lives for
    address: str = ""  #: kind session: where it was opened from
    device: str = ""  #: kind session: the browser that opened it, in words


class FolderRow(SQLModel, table=True):
    """A folder `f/<name>`: owners and permissions are JSON text."""

    __tablename__ = "folder"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    summary: str = ""
    display_name: str = ""
    owners: str = "[]"
    extra_perms: str = "{}"
    created_by: str
    edited_at: str
    extra: str = "{}"  #: JSON text: labels, …, and texts that a client gave, as it gave them


class AclRow(SQLModel, table=True):
    """What a thing gives somebody beside its path. `kind`: script, flow, variable, resource, schedule, or group, whose name is the path."""

    __tablename__ = "acl"
    workspace: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    who: str = Field(primary_key=True, index=True)  #: u/<username> or g/<group>
    write: bool


class GroupRow(SQLModel, table=True):
    """A group `g/<name>` of members. Those of the instance group that it is linked to are in it too, where they are members."""

    __tablename__ = "group"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    summary: str = ""
    instance_group: str = ""  #: name of the instance group that an admin of the workspace linked; "" for none


class GroupMemberRow(SQLModel, table=True):
    """Who is in a group, by username."""

    __tablename__ = "group_member"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    username: str = Field(primary_key=True)


class InstanceGroupRow(SQLModel, table=True):
    """A list of people of the whole installation. It gives nothing by itself: a workspace's group must be linked to it."""

    __tablename__ = "instance_group"
    name: str = Field(primary_key=True)
    summary: str | None = None
    extra: str = "{}"  #: JSON text: what clients say beside it, as they gave it (id, external_id, scim_display_name)


class InstanceGroupMemberRow(SQLModel, table=True):
    """Who is in an instance group, by email; there may be no account of it yet."""

    __tablename__ = "instance_group_member"
    name: str = Field(primary_key=True)
    email: str = Field(primary_key=True, index=True)


class AuditRow(SQLModel, table=True):
    """Who did what, when, from where. Append-only."""

    __tablename__ = "audit"
    id: int | None = Field(default=None, primary_key=True)
    workspace: str = Field(index=True)
    at: str
    by: str
    action: str
    target: str
    detail: str = ""
    address: str = ""
