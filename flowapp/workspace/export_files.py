"""What is stored in a workspace as the files that Windmill's command line keeps: names and contents, and their archive.

The command line compares key by key, and takes a missing key for something else than null. So each file holds the keys that
were stored, and no others: no times, no people, no defaults that nobody gave.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from flowapp.jsontext import dumps, loads
from flowapp.languages import script_extension
from flowapp.store.tables import (
    FlowVersionRow,
    FolderRow,
    GroupRow,
    ResourceRow,
    ResourceTypeRow,
    ScheduleRow,
    ScriptRow,
    UserRow,
    VariableRow,
)
from flowapp.workspace import schedule_shapes, script_rows

File: TypeAlias = tuple[str, str]
"""The name of a file in the archive, and its content."""
TypeScript = Literal["bun", "deno"]
Packing = Literal["zip", "tar"]
Given: TypeAlias = Mapping[str, bool] | None
"""Who may write a thing (true) or look at it (false) by its own word."""


def script_files(row: ScriptRow, default_ts: TypeScript, given: Given = None) -> Iterator[File]:
    """The code and what is said of it, and what it gives whom. None of a language for whose files the command line has no name."""
    extension = script_extension(row.language, default_ts)
    if extension is None:
        return
    said: dict[str, Any] = {"summary": row.summary, "description": row.description, "kind": row.kind}
    if row.schema_text is not None:
        said["schema"] = loads(row.schema_text)
    said |= {name: value for name, value in (("lock", row.lock), ("tag", row.tag)) if value is not None}
    yield f"{row.path}.{extension}", row.content
    yield f"{row.path}.script.json", dumps(said | script_rows.given(row) | _perms(given))


def flow_file(row: FlowVersionRow, given: Given = None) -> File:
    """The document as it was stored, scripts inline, and what the flow gives whom."""
    text = dumps(loads(row.document) | _perms(given)) if given else row.document
    return f"{row.path}.flow.json", text


def folder_file(row: FolderRow) -> File:
    """Who has which part in a folder."""
    said: dict[str, Any] = {"owners": loads(row.owners), "extra_perms": loads(row.extra_perms)}
    return f"f/{row.name}/folder.meta.json", dumps(said | loads(row.extra))


def variable_file(row: VariableRow, value: str, given: Given = None) -> File:
    """A variable with `value` in place of what is stored, and what it gives whom."""
    return f"{row.path}.variable.json", dumps(
        {"value": value, "is_secret": row.is_secret, **_described(row.description, row.extra), **_perms(given)}
    )


def resource_file(row: ResourceRow) -> File:
    """A resource with its references."""
    said = {"value": loads(row.value), "resource_type": row.resource_type}
    return f"{row.path}.resource.json", dumps(said | _described(row.description, row.extra))


def resource_type_file(row: ResourceTypeRow) -> File:
    """A type of resources."""
    said: dict[str, Any] = {"schema": loads(row.schema_text), "description": row.description}
    if row.format_extension:
        said["format_extension"] = row.format_extension
    if row.is_fileset:
        said["is_fileset"] = True
    return f"{row.name}.resource-type.json", dumps(said)


def schedule_file(row: ScheduleRow) -> File:
    """A schedule, without what came of its ticks."""
    return f"{row.path}.schedule.json", dumps(schedule_shapes.export(row))


def user_file(row: UserRow, role: str) -> File:
    """A member. The name of the file is an email, of which nothing may lead out of the archive's folder."""
    name = quote(row.email, safe="@+")
    return f"users/{name}.user.json", dumps({"username": row.username, "role": role, "disabled": row.disabled})


def group_file(row: GroupRow, members: list[str], given: Given = None) -> File:
    """A group; those of its members who manage it are its admins."""
    people = [f"u/{name}" for name in members]
    admins = [who for who in people if (given or {}).get(who)]
    said = {"summary": row.summary, "members": [who for who in people if who not in admins], "admins": admins}
    return f"groups/{row.name}.group.json", dumps(said)


def packed(files: Mapping[str, str], packing: Packing) -> bytes:
    """The archive of some files. The same files make the same bytes."""
    buffer = io.BytesIO()
    contents = {name: text.encode("utf-8", "surrogatepass") for name, text in files.items()}
    if packing == "tar":
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in contents.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    else:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _described(description: str, extra: str) -> dict[str, Any]:
    """What clients said beside the value; an empty description only where one was given."""
    said: dict[str, Any] = {name: value for name, value in loads(extra).items() if name != "ws_specific"}
    return {**said, "description": description} if description else said


def _perms(given: Given) -> dict[str, Any]:
    """The command line takes what is not there for "no opinion", and an empty object for "nobody"."""
    return {"extra_perms": dict(given)} if given else {}
