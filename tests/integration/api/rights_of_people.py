"""Deeds on folders and groups, accounts and settings, and by links."""

from __future__ import annotations

from flowapp.ui.state.folders import FoldersState
from tests.integration.api.rights import ADMINS, ALL, DEVELOPERS, MEMBERS, Deed, W

_ANYBODY = {"stranger": "sign in", "olga": "yes", **dict.fromkeys(ALL, "yes")}
_NOT_SUPER = {"stranger": "sign in", "olga": "no", **dict.fromkeys(ALL, "no"), "root": "yes"}
_WHOEVER_HAS_IT = dict.fromkeys(("stranger", "olga", *ALL), "yes")
_NOBODY = dict.fromkeys(("stranger", "olga", *ALL), "none")

PEOPLE: tuple[Deed, ...] = (
    Deed(
        "make a folder",
        "folder.create",
        "POST",
        f"{W}/folders/create",
        DEVELOPERS,
        {"name": "made{n}"},
        (FoldersState, "save", ({"name": "by_page{n}", "title": "", "summary": ""},)),
    ),
    Deed("see a group", "group.read", "GET", f"{W}/groups/get/g{{n}}", MEMBERS),
    Deed("add somebody to a group", "group.manage", "POST", f"{W}/groups/adduser/g{{n}}", ADMINS, {"username": "vic"}),
    Deed(
        "link a group to an instance group",
        "group.link",
        "POST",
        f"{W}/groups/update/g{{n}}",
        ADMINS,
        {"summary": "", "instance_group": "listed"},
    ),
    Deed(
        "put somebody into an instance group",
        "instance.manage",
        "POST",
        "/api/groups/adduser/listed",
        _NOT_SUPER,
        {"email": "new{n}@example.org"},
    ),
    Deed("see an instance group", "instance.manage", "GET", "/api/groups/get/listed", _NOT_SUPER),
    Deed("see the members", "member.read", "GET", f"{W}/users/list", MEMBERS),
    Deed("know of the workspace", "workspace.read", "GET", f"{W}/variables/list_contextual", MEMBERS),
    Deed("see one's account", "account.read", "GET", "/api/users/whoami", _ANYBODY),
    Deed("see one's tokens", "account.manage", "GET", "/api/users/tokens/list", _ANYBODY),
    Deed(
        "make a token",
        "account.manage",
        "POST",
        "/api/users/tokens/create",
        _ANYBODY,
        {"label": "x"},
    ),
    Deed(
        "make an account", "instance.manage", "POST", "/api/users/create", _NOT_SUPER, {"email": "new{n}@example.org"}
    ),
    Deed("see all accounts", "instance.manage", "GET", "/api/users/list_as_super_admin", _NOT_SUPER),
    Deed("see how long runs are kept", "workspace.manage", "GET", f"{W}/workspaces/get_retention", ADMINS),
    Deed(
        "change how long runs are kept",
        "workspace.manage",
        "POST",
        f"{W}/workspaces/edit_retention",
        ADMINS,
        {"retention_days": 30},
    ),
    Deed(
        "change who is told of approvals",
        "workspace.manage",
        "POST",
        f"{W}/workspaces/edit_approval_messages",
        ADMINS,
        {"messages": []},
    ),
    Deed(
        "change where files are kept",
        "workspace.manage",
        "POST",
        f"{W}/workspaces/edit_large_file_storage_config",
        ADMINS,
        {"large_file_storage": None},
    ),
)

LINKS: tuple[Deed, ...] = (
    Deed("open a shared run", "run.read", "GET", "/shared/{token}", _WHOEVER_HAS_IT),
    Deed("open a shared flow", "flow.read", "GET", "/shared/{flow_token}", _WHOEVER_HAS_IT),
    Deed("open a link with another end", "run.read", "GET", "/shared/{token}x", _NOBODY),
)
