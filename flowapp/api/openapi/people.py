"""Addresses of folders, groups, members, rights, the audit trail, accounts, tokens and workspaces."""

from __future__ import annotations

from flowapp.api.openapi.operations import FORM, Body, Operation, json_body, op
from flowapp.api.openapi.schemas import STRING, object_of

_W = "/api/w/{ws}"
_FOLDER = "summary: string, display_name: string, owners: strings, extra_perms: object"
_GROUP = "summary: string, members: strings, instance_group: string"
_ROLE = "is_admin: boolean, operator: boolean, role: string"
_NEW_MEMBER = f"email!: string, username: string, {_ROLE}"
_TRAIL = (
    *("username", "operation", "operations", "exclude_operations", "resource", "action_kind", "after", "before"),
    *("before_id", "about", "area", "installation"),
)

FOLDERS: dict[str, Operation] = {
    f"POST {_W}/folders/create": op("text", body=f"name!: string, {_FOLDER}"),
    f"POST {_W}/folders/update/{{name}}": op("text", body=_FOLDER),
    f"GET {_W}/folders/get/{{name}}": op("Folder"),
    f"GET {_W}/folders/exists/{{name}}": op("boolean"),
    f"GET {_W}/folders/list": op("Folders"),
    f"GET {_W}/folders/listnames": op("strings"),
    f"GET {_W}/folders/getusage/{{name}}": op(),
    f"POST {_W}/folders/addowner/{{name}}": op("text", body="owner!: string"),
    f"POST {_W}/folders/removeowner/{{name}}": op("text", body="owner!: string"),
    f"DELETE {_W}/folders/delete/{{name}}": op("text"),
    f"GET {_W}/acls/get/{{kind}}/{{path}}": op(),
    f"POST {_W}/acls/add/{{kind}}/{{path}}": op("text", body="owner!: string, write: boolean"),
    f"POST {_W}/acls/remove/{{kind}}/{{path}}": op("text", body="owner!: string"),
}

MEMBERS: dict[str, Operation] = {
    f"GET {_W}/groups/list": op("Groups"),
    f"GET {_W}/groups/listnames": op("strings"),
    f"GET {_W}/groups/get/{{name}}": op("Group"),
    f"POST {_W}/groups/create": op("text", body=f"name!: string, {_GROUP}"),
    f"POST {_W}/groups/update/{{name}}": op("text", body=_GROUP),
    f"DELETE {_W}/groups/delete/{{name}}": op("text"),
    f"POST {_W}/groups/adduser/{{name}}": op("text", body="username!: string"),
    f"POST {_W}/groups/removeuser/{{name}}": op("text", body="username!: string"),
    f"GET {_W}/users/whoami": op("Member"),
    f"POST {_W}/users/add": op("text", 201, body=_NEW_MEMBER),
    f"GET {_W}/users/list": op("Members"),
    f"GET {_W}/users/list_usernames": op("strings"),
    f"GET {_W}/users/get/{{name}}": op("Member"),
    f"GET {_W}/users/whois/{{name}}": op("Member"),
    f"GET {_W}/users/username_to_email/{{name}}": op("text"),
    f"POST {_W}/users/exists": op("boolean", body="username: string"),
    f"GET {_W}/users/is_owner/{{path}}": op("boolean"),
    f"POST {_W}/users/update/{{name}}": op("text", body=_ROLE),
    f"DELETE {_W}/users/delete/{{name}}": op("text"),
}

_INSTANCE_GROUP = "name!: string, summary: string, emails: strings, instance_role: string"
INSTANCE_GROUPS: dict[str, Operation] = {
    "GET /api/groups/list": op("list"),
    "GET /api/groups/list_with_workspaces": op("list"),
    "GET /api/groups/get/{name}": op(),
    "POST /api/groups/create": op("text", body=_INSTANCE_GROUP),
    "POST /api/groups/update/{name}": op("text", body="new_summary: string, emails: strings, instance_role: string"),
    "DELETE /api/groups/delete/{name}": op("text"),
    "POST /api/groups/adduser/{name}": op("text", body="email!: string"),
    "POST /api/groups/removeuser/{name}": op("text", body="email!: string"),
    "GET /api/groups/export": op("list"),
    "POST /api/groups/overwrite": op(
        "text", body=json_body({"type": "array", "items": object_of(_INSTANCE_GROUP)}, required=True)
    ),
}

WORKSPACE: dict[str, Operation] = {
    f"POST {_W}/workspaces/add_user": op("text", 201, body=_NEW_MEMBER),
    f"POST {_W}/workspaces/invitations/create": op(
        status=201, body="role: string, uses: integer, email: string, expiration: string"
    ),
    f"GET {_W}/workspaces/invitations/list": op("list"),
    f"DELETE {_W}/workspaces/invitations/delete/{{name}}": op("text"),
    f"GET {_W}/workspaces/list_ws_specific": op("list"),
    f"GET {_W}/workspaces/get_retention": op(),
    f"POST {_W}/workspaces/edit_retention": op("text", body="retention_days: integer"),
    f"GET {_W}/workspaces/tarball": op("archive"),
    f"GET {_W}/audit/list": op("list", query=dict.fromkeys(_TRAIL, STRING)),
    f"GET {_W}/audit/export": op(
        "csv|any", query={**dict.fromkeys(_TRAIL, STRING), "format": {"type": "string", "enum": ["csv", "json"]}}
    ),
    f"GET {_W}/audit/get/{{number}}": op(),
}

ACCOUNTS: dict[str, Operation] = {
    "POST /api/auth/login": op("text", body="email!: string, password!: string", also=(401, 403, 429), public=True),
    "POST /api/auth/logout": op("text", also=(403,), public=True),
    "GET /signin/oidc": op("redirect", 303, also=(401, 429, 502), public=True),
    "GET /signin/oidc/callback": op(
        "redirect",
        303,
        query=dict.fromkeys(("code", "state", "iss", "error"), STRING),
        also=(401, 429, 502),
        public=True,
    ),
    "GET /join": op("html", public=True, also=(401, 404, 429)),
    "POST /join": op(
        "redirect",
        303,
        body=Body({FORM: object_of("token: string, email: string, name: string, password: string")}),
        also=(401, 403, 404, 409, 413, 429),
        public=True,
    ),
    "POST /api/auth/join": op(
        "text",
        201,
        body="token!: string, email: string, password!: string, name: string",
        also=(401, 403, 404, 409, 429),
        public=True,
    ),
    "POST /api/workspaces/join": op("text", body="token!: string", also=(404, 409, 429)),
    "POST /api/users/sign_in_link": op("text", 201, body="username!: string", also=(404,)),
    "POST /api/users/tokens/end_other_sessions": op("integer"),
    "GET /api/users/whoami": op("Member"),
    "GET /api/users/email": op("text"),
    "POST /api/users/setpassword": op("text", body="password!: string, current: string", also=(429,)),
    "POST /api/users/create": op(
        "text", 201, body="email!: string, password: string, username: string, name: string, super_admin: boolean"
    ),
    "GET /api/users/list_as_super_admin": op("list"),
    "POST /api/users/tokens/create": op(
        "text", 201, body="label: string, expiration: string, scopes: strings, workspace_id: string, read_only: boolean"
    ),
    "GET /api/users/tokens/list": op("list"),
    "DELETE /api/users/tokens/delete/{prefix}": op("text", also=(404,)),
    "GET /api/workspaces/list": op("list"),
    "GET /api/workspaces/users": op(),
    "POST /api/workspaces/exists": op("boolean", body="id: string"),
    "POST /api/workspaces/create": op("text", 201, body="id!: string, name!: string"),
    "GET /api/settings/global/automate_username_creation": op("boolean"),
}
