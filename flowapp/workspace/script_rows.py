"""A stored script in Windmill's shape: from what a client sends to a version's row, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowapp.access.identity import Identity
from flowapp.jsontext import JsonText, canonical, dumps, loads
from flowapp.runtimes.handover import is_own_variable
from flowapp.store.clock import now
from flowapp.store.tables import ScriptRow
from flowapp.workspace import bundles
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.stored import required_text, text_in

LANGUAGES = frozenset(
    [
        "python3",
        "deno",
        "go",
        "bash",
        "powershell",
        "postgresql",
        "mysql",
        "bigquery",
        "snowflake",
        "mssql",
        "oracledb",
        "graphql",
        "nativets",
        "bun",
        "bunnative",
        "php",
        "rust",
        "ansible",
        "csharp",
        "nu",
        "java",
        "ruby",
        "rlang",
        "duckdb",
        "sqlite",  # ours: OpenFlow has none
        "dbt",
    ]
)
KINDS = frozenset(("script", "failure", "trigger", "command", "approval", "preprocessor"))
MAX_CODE = 4_000_000
#: What is kept in columns, or says how to store; all other keys are the client's own and kept as given.
_COLUMNS = frozenset(["path", "summary", "description", "content", "language", "schema", "lock", "kind", "tag"])
_ORDERS = frozenset(
    [
        "parent_hash",
        "auto_parent",
        "deployment_message",
        "skip_draft_deletion",
        "draft_only",
        "hash",
        "workspace_id",
        "created_by",
        "created_at",
        "archived",
        "deleted",
        "starred",
        "extra_perms",
        "is_template",
        "parent_hashes",
        "lock_error_logs",
        "preserve_on_behalf_of",
    ]
)


#: Kept with the client's keys: that the code has a preprocessor, and what was wrong with its packages.
_FOUND = "found_preprocessor"
_OUR_NOTES = (_FOUND, "lock_error_logs")
#: A script's own preprocessor, in Python and in TypeScript.
_PREPROCESSOR = re.compile(r"^(?:async )?def preprocessor\(|^export (?:async )?function preprocessor\(", re.MULTILINE)


def has_preprocessor(code: str) -> bool:
    """Whether a script has a function that makes its arguments out of an event."""
    return _PREPROCESSOR.search(code) is not None


def row_of(identity: Identity, path: str, body: Mapping[str, Any], bundle: str | None = None) -> ScriptRow:
    """The row of a new version, still without its hash. `bundle` runs in place of its code.

    Raises:
        BadRequest: a field of `body` cannot be stored.
    """
    content = text_in(body, "content", limit=MAX_CODE)
    language = required_text(body, "language")
    if language not in LANGUAGES:
        raise BadRequest(f"There is no language {language[:40]!r}.", f"Use one of {', '.join(sorted(LANGUAGES))}.")
    kind = text_in(body, "kind", "script", limit=40)
    if kind not in KINDS:
        raise BadRequest(f"There is no kind of script {kind!r}.", f"Use one of {', '.join(sorted(KINDS))}.")
    schema = body.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise BadRequest("schema must be an object.", "Send the JSON Schema of the arguments.")
    lock = body.get("lock")
    if isinstance(lock, list):
        lock = "\n".join(str(line) for line in lock)
    if lock is not None and not isinstance(lock, str):
        raise BadRequest("lock must be a text.")
    extra = {name: value for name, value in body.items() if name not in _COLUMNS | _ORDERS and value is not None}
    if bundle is None:
        extra.pop(bundles.CODEBASE, None)  # what runs is the code itself
    else:
        bundle = bundles.checked(language, extra.get(bundles.CODEBASE), bundle)
        lock = ""  # what a bundle needs is in it; the command line compares with that
    _check_variables(extra.get("envs"))
    if has_preprocessor(content):
        extra[_FOUND] = True
    return ScriptRow(
        workspace=identity.workspace,
        path=path,
        hash="",
        summary=text_in(body, "summary"),
        description=text_in(body, "description"),
        content=content,
        language=language,
        kind=kind,
        schema_text=None if schema is None else dumps(schema),
        lock=lock,
        tag=text_in(body, "tag", limit=200) or None,
        extra=dumps(extra),
        message=text_in(body, "deployment_message")[:2000],
        created_by=identity.username,
        created_at=now(),
        bundle=bundle,
    )


def _check_variables(envs: Any) -> None:
    """Refuse what cannot be in a job's environment.

    Raises:
        BadRequest: it is no list of `NAME=value`, or a name is taken.
    """
    if envs is None:
        return
    if not isinstance(envs, list) or not all(isinstance(item, str) and "=" in item for item in envs):
        raise BadRequest("envs must be a list of texts NAME=value.", 'Send {"envs": ["COLOR=red"]}.')
    for item in envs:
        name = item.partition("=")[0]
        if not is_own_variable(name):
            raise BadRequest(f"A script cannot set the variable {name[:80]!r}.", "Choose another name for it.")


def same(one: ScriptRow, other: ScriptRow) -> bool:
    """Whether two versions are the same but for when they were made; a lock that was not sent is not compared."""
    names = ("summary", "description", "content", "language", "kind", "tag", "bundle")
    if any(getattr(one, name) != getattr(other, name) for name in names):
        return False
    if other.lock is not None and other.lock != one.lock:
        return False
    schemas = [canonical(loads(row.schema_text or "null")) for row in (one, other)]
    extras = [canonical({**loads(row.extra), "lock_error_logs": None}) for row in (one, other)]
    return schemas[0] == schemas[1] and extras[0] == extras[1]


def given(row: ScriptRow) -> dict[str, Any]:
    """The keys that a client sent beside those that have columns, as it sent them."""
    extra: dict[str, Any] = loads(row.extra)
    return {name: value for name, value in extra.items() if name not in _OUR_NOTES}


def shown(row: ScriptRow, ancestors: list[str]) -> dict[str, Any]:
    """What clients get of a version; `ancestors` are the hashes that it comes from."""
    extra: dict[str, Any] = loads(row.extra)
    found = extra.pop(_FOUND, False)
    return {
        "ws_error_handler_muted": False,
        **extra,
        "has_preprocessor": bool(extra.get("has_preprocessor") or found),
        "workspace_id": row.workspace,
        "hash": row.hash,
        "path": row.path,
        "parent_hashes": ancestors or None,
        "summary": row.summary,
        "description": row.description,
        "content": row.content,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "archived": row.archived,
        "deleted": row.deleted,
        "is_template": False,
        "extra_perms": {},
        "language": row.language,
        "kind": row.kind,
        "starred": False,
        "schema": loads(JsonText(row.schema_text)) if row.schema_text else None,
        "lock": row.lock,
        "tag": row.tag,
    }
