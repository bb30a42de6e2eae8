"""Whatever is sent, the answer is a sentence: junk in bodies, paths and queries is refused with 4xx, never with 5xx."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from flowapp.api.app import ROUTERS
from tests.integration.api.api_server import CHAIN, Server
from tests.support.honest import openapi_once

DEEP = "[" * 5000 + "]" * 5000
BODIES: tuple[bytes, ...] = (
    b"",
    b" ",
    b"null",
    b"0",
    b'"text"',
    b"[]",
    b"{",
    b"\xff\xfe",
    b"NaN",
    b'{"ops": NaN}',
    b'{"ops": {"a": 1}, "cells": 5}',
    DEEP.encode(),
    b'{"ops": ' + DEEP.encode() + b"}",
    b'{"a": 1234567890123456789012, "sample": ' + DEEP.encode() + b"}",
    b'{"sample": ' + b"9" * 5000 + b"}",
    b'{"\\ud800": "\\udfff"}',
    b'{"summary": "\\ud800", "ops": [12345678901234567890123]}',
    b'{"sample": [12345678901234567890123, NaN], "args": 1e999}',
)
#: What stands where a text, number, list or object is expected.
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "\ud800 lone",
    "a\x00b",
    "../../etc/passwd",
    "x" * 10_000,
    [],
    [None],
    [[]],
    {},
    {"$flowapp:blob": {"sha256": "no", "size": "x"}},
    {"": {"": None}},
)
FIELDS = (
    "cell",
    "field",
    "expr",
    "sample",
    "path",
    "message",
    "reason",
    "mode",
    "cells",
    "ops",
    "confirmed",
    "client",
    "iteration",
)
DRAFT_FIELDS = ("path", "summary", "template", "flow", "text")
OPERATIONS = (
    "insert_cell",
    "delete_cell",
    "paste_cells",
    "move_cell",
    "set_code",
    "set_language",
    "set_title",
    "rename_step",
    "set_input",
    "set_setting",
    "set_flow_setting",
    "rename_flow_input",
    "add_branch",
    "remove_branch",
    "set_schema",
    "set_sample",
    "set_flow",
    "set_beside",
    "replace_flow",
    "bind_names",
    "keep_sample",
    "use_sample",
    "drop_sample",
    "restore_samples",
    "insert_note",
    "set_note",
    "move_note",
    "delete_note",
)
OPERATION_FIELDS = (
    "cell",
    "parent",
    "slot",
    "index",
    "module",
    "beside",
    "code",
    "base_code_version",
    "language",
    "title",
    "step_id",
    "field",
    "transform",
    "key",
    "value",
    "branch",
    "schema",
    "name",
    "summary",
    "description",
    "note",
    "after",
    "text",
    "nested",
    "cells",
    "modules",
    "flow",
    "prefix",
    "label",
    "sample",
    "kept",
)
NUMBERS = ("-1", "0", "99999999999999999999999", "1.5", "x", "", "NaN")
TEXTS = ("", "[", "[1e999]", "{}", '["a", 99999999999999999999999]', "[-1]", '{"a": 1}', "\x00", "9" * 3000, "(((")


async def filled(server: Server) -> dict[str, str]:
    draft = await server.draft(CHAIN, path="u/admin/chain")
    await server.post(draft, "deploy", {})
    cell = (await server.notebook(draft))["cells"][0]["id"]
    server.engine.answers = {"a": [{"x": 1}, {"x": None}], "b": "text"}
    run = (await server.run(draft, cell))["run_id"]
    return {"ws": "main", "draft_id": draft, "run_id": run, "path:path": "u/admin/chain", "name": "n", "cell": cell}


def routes(method: str) -> list[str]:
    """All but those that end the session, and streams, which do not end."""
    found = [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]
    paths = [route.path for route in found if method in (route.methods or set())]
    return [path for path in paths if path != "/signout" and not path.endswith("/events")]


def operation(method: str, path: str) -> dict[str, Any]:
    """What the OpenAPI document tells of an address."""
    found: dict[str, Any] = openapi_once()["paths"][path.replace(":path}", "}")][method]
    return found


def asked_of(path: str) -> set[str]:
    """The names of the query parameters that a GET route reads; what it does not read cannot harm it."""
    return {about["name"] for about in operation("get", path).get("parameters", []) if about.get("in") == "query"}


def fields_of(path: str) -> set[str]:
    """The fields of the body that a POST route reads; empty where any JSON is taken."""
    body = operation("post", path).get("requestBody", {})
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    return set(schema.get("properties", {}))


def address(path: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    return path


def refused_in_words(answer: httpx.Response, what: str) -> None:
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    if answer.status_code >= 400:
        assert answer.text.strip(), f"{what}: {answer.status_code} without a word"


class TestBodies:
    async def test_junk_bodies(self, server: Server) -> None:
        names = await filled(server)
        for path in routes("POST"):
            for body in BODIES:
                answer = await server.client.post(address(path, names), content=body)
                refused_in_words(answer, f"{path} {body[:40]!r}")

    async def test_junk_fields(self, server: Server) -> None:
        names = await filled(server)
        known = {"cell": names["cell"], "field": "n", "expr": "1"}
        for path in routes("POST"):
            read = fields_of(path) or set(FIELDS[:3])
            for field in DRAFT_FIELDS if path.endswith("/drafts") else [name for name in FIELDS if name in read]:
                for value in VALUES:
                    # the long number sends the body through the slower parser, which takes more
                    body = json.dumps({**known, field: value, "long": 12345678901234567890123})
                    answer = await server.client.post(address(path, names), content=body)
                    refused_in_words(answer, f"{path} {field}={str(value)[:40]!r}")


class TestOperations:
    async def test_half_a_surrogate_pair_is_refused(self, server: Server) -> None:
        for more in (b"", b', "long": 12345678901234567890123'):
            body = b'{"summary": "\\ud83d"' + more + b"}"
            answer = await server.client.post("/api/w/main/drafts", content=body)
            assert (answer.status_code, "surrogate" in answer.json()["error"]["message"]) == (400, True), answer.text
        whole = await server.client.post("/api/w/main/drafts", content=b'{"summary": "\\ud83d\\ude00"}')
        assert whole.status_code == 201

    async def test_junk_in_every_field(self, server: Server) -> None:
        names = await filled(server)
        for op in OPERATIONS:
            await self.junk_in_every_field(server, names, op)

    async def junk_in_every_field(self, server: Server, names: dict[str, str], op: str) -> None:
        module = {"value": {"type": "rawscript", "language": "python3", "content": "", "input_transforms": {}}}
        base = {
            "op": op,
            "cell": names["cell"],
            "slot": "modules",
            "index": 0,
            "module": module,
            "value": 1,
            "key": "x",
        }
        for field in OPERATION_FIELDS:
            for value in VALUES:
                body = json.dumps({"client": "p", "ops": [{**base, field: value}]})
                url = f"/api/w/main/drafts/{names['draft_id']}/operations"
                refused_in_words(await server.client.post(url, content=body), f"{op} {field}={str(value)[:40]!r}")
        url = f"/api/w/main/drafts/{names['draft_id']}/notebook"  # what was taken must also be shown again
        assert (await server.client.get(url)).status_code == 200, f"the notebook after {op}"


class TestExpressions:
    async def test_any_value_of_an_expression_can_be_shown(self, server: Server) -> None:
        names = await filled(server)
        for expr in (
            '"\U0001f600".slice(0, 1)',
            '({["\U0001f600".slice(0, 1)]: [NaN, -0, 1e400]})',
            '"\\0"',
            "10n",
            "Symbol()",
            "x => x",
            "new Map()",
            '"x".repeat(1e8)',
            "new Array(1e9)",
            "(" * 3000,
        ):
            body = {"cell": names["cell"], "field": "n", "expr": expr}
            answer = await server.client.post(f"/api/w/main/drafts/{names['draft_id']}/preview", json=body)
            assert answer.status_code == 200 and "text" in answer.json(), f"{expr[:40]}: {answer.text[:200]}"


class TestQueries:
    async def test_junk_queries(self, server: Server) -> None:
        names = await filled(server)
        known = {"cell": names["cell"], "expr": "results.a", "path": "a"}
        texts = ("at", "filter", "sort", "q", "path", "cell", "field", "expr", "format", "status", "draft", "side")
        asked = [(name, number) for name in ("offset", "limit", "page", "per_page") for number in NUMBERS]
        asked += [(name, text) for name in texts for text in TEXTS]
        for path in routes("GET"):
            read = asked_of(path)
            for name, value in [(name, value) for name, value in asked if name in read]:
                answer = await server.client.get(address(path, names), params={**known, name: value})
                refused_in_words(answer, f"{path} {name}={value[:40]!r}")

    async def test_junk_paths(self, server: Server) -> None:
        names = await filled(server)
        for path in routes("GET"):
            for name in names:
                for junk in ("%00", "..%2f..%2fetc", "%ed%a0%80", "x" * 3000, "%0a", "-1"):
                    if "{" + name + "}" in path:
                        answer = await server.client.get(address(path, {**names, name: junk}))
                        refused_in_words(answer, f"{path} {name}={junk[:40]}")


class TestEventStreams:
    @pytest.mark.parametrize("topics", ["", ",", "draft:", "run:\x00", "runs:main,other", "x" * 3000, "draft:../x"])
    async def test_junk_topics(self, server: Server, topics: str) -> None:
        answer = await server.client.get("/api/w/main/events", params={"topics": topics})
        assert 400 <= answer.status_code < 500
