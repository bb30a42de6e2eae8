"""Schemas of the document, and the short form in which the tables write them."""

from __future__ import annotations

from typing import Any

from flowapp.api.bodies import MOST

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
OBJECT: Schema = {"type": "object"}
ANY: Schema = {}
STRINGS: Schema = {"type": "array", "items": STRING}
LIST: Schema = {"type": "array", "items": OBJECT}

_WORDS: dict[str, Schema] = {
    "string": STRING,
    "boolean": FLAG,
    "integer": NUMBER,
    "index": {"type": ["integer", "null"], "minimum": 0, "maximum": MOST},
    "number": {"type": "number"},
    "object": OBJECT,
    "any": ANY,
    "strings": STRINGS,
    "objects": LIST,
    "texts": {"type": "object", "additionalProperties": STRING},
}


def ref(name: str) -> Schema:
    """A reference to a schema of `COMPONENTS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(words: str) -> Schema:
    """A JSON object from a text like `path!: string, value: any, labels: strings`; `!` marks what must be there.

    Optional fields may be null, which counts as left out. Fields that are not named are taken too.
    """
    properties: dict[str, Schema] = {}
    required = []
    for part in (part.strip() for part in words.split(",") if part.strip()):
        name, _, kind = part.partition(":")
        if name.endswith("!"):
            required.append(name.removesuffix("!"))
        properties[name.rstrip("!")] = _WORDS[kind.strip()]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


COMPONENTS: dict[str, Schema] = {
    "Error": {
        "type": "object",
        "description": "What is wrong (`message`), what to do (`hint`), and a stable code: docs/http-api.md lists all.",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "hint"],
                "properties": {"code": STRING, "message": STRING, "hint": STRING, "problems": ANY, "cells": ANY},
            }
        },
    },
    "JobFailed": {
        "type": "object",
        "description": "The error of a job that failed.",
        "required": ["error"],
        "properties": {"error": ANY},
    },
    "Job": object_of(
        "id!: string, type!: string, workspace_id: string, job_kind: string, canceled: boolean, created_by: string, "
        "created_at: string, script_path: any, args: any, tag: string, permissioned_as: string, is_flow_step: boolean"
    ),
    "Script": object_of("hash!: string, path!: string, summary!: string, language!: string, created_by: string"),
    "Flow": object_of(
        "path!: string, summary!: string, value: object, schema: any, edited_by: string, version_id: integer"
    ),
    "Variable": object_of("path!: string, is_secret!: boolean, workspace_id: string, value: any, description: any"),
    "Resource": object_of("path!: string, resource_type!: string, value: any, description: any"),
    "Schedule": object_of(
        "path!: string, schedule!: string, timezone!: string, script_path!: string, enabled!: boolean"
    ),
    "Folder": object_of("name!: string, owners!: strings, extra_perms!: object"),
    "Group": object_of("name!: string"),
    "Member": object_of("email!: string, username!: string, is_admin: boolean, operator: boolean, role: string"),
    "Run": object_of(
        "id!: string, number!: integer, status!: string, kind!: string, created_by: string, created_at: string"
    ),
    "OpenFlow": {
        "type": "object",
        "description": "An OpenFlow document: https://www.openflow.dev, docs/openflow.md.",
        "required": ["value"],
        "properties": {
            "summary": STRING,
            "description": STRING,
            "value": {"type": "object", "required": ["modules"], "properties": {"modules": LIST}},
            "schema": OBJECT,
        },
    },
}


def _several(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


#: Kinds of JSON answers, by the words of the tables.
JSON_KINDS: dict[str, Schema] = {
    "object": OBJECT,
    "list": LIST,
    "strings": STRINGS,
    "boolean": FLAG,
    "string": STRING,
    "integer": NUMBER,
    "any": ANY,
    "null": {"type": "null"},
    **{name: ref(name) for name in ("Job", "Script", "Flow", "Variable", "Resource", "Schedule", "Folder", "Group")},
    **{f"{name}s": _several(name) for name in ("Job", "Script", "Flow", "Variable", "Resource", "Schedule", "Folder")},
    **{f"{name}s": _several(name) for name in ("Group", "Member", "Run")},
    "Member": ref("Member"),
    "JobFailed": ref("JobFailed"),
}
