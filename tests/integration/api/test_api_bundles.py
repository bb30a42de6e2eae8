"""Scripts with the one file that a client has bundled their code to."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from flowapp.store import scripts
from flowapp.workspace.library import stored_script
from tests.integration.api.api_server import Server

W = "/api/w/main"
SOURCE = "import { twice } from '../../lib/twice'\nexport async function main(n: number) { return twice(n) }\n"
BUNDLE = "var main = async (n) => n * 2; module.exports = { main };\n"
SCRIPT = {"path": "f/a/b", "content": SOURCE, "language": "bun", "codebase": "d1g3st", "summary": "Twice"}


async def pushed(
    http: httpx.AsyncClient, more: dict[str, Any] | None = None, bundle: Any = BUNDLE, query: str = ""
) -> httpx.Response:
    form = {"script": (None, json.dumps({**SCRIPT, **(more or {})})), "file": (None, bundle)}
    return await http.post(f"{W}/scripts/create_snapshot{query}", files=form)


async def test_the_source_is_shown_and_the_bundle_runs(server: Server) -> None:
    answer = await pushed(server.client)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (201, "text/plain")
    shown = (await server.client.get(f"{W}/scripts/get/p/f/a/b")).json()
    assert (shown["content"], shown["codebase"], shown["lock"]) == (SOURCE, "d1g3st", "")
    assert "bundle" not in shown
    row = await server.workspace.store.database.read(lambda c: scripts.latest(c, "main", "f/a/b"))
    assert row is not None
    assert BUNDLE in stored_script(row).content
    assert "twice" not in stored_script(row).content
    again = await pushed(server.client, query="?skip_if_noop=true")
    assert again.text == answer.text
    changed = await pushed(
        server.client, {"parent_hash": answer.text, "auto_parent": True}, BUNDLE + "//", "?skip_if_noop=true"
    )
    assert (changed.status_code, changed.text != answer.text) == (201, True)
    # a version without a bundle runs its own code, and says so
    plain = {**SCRIPT, "auto_parent": True, "parent_hash": changed.text, "lock": ""}
    assert (await server.client.post(f"{W}/scripts/create", json=plain)).status_code == 201
    shown = (await server.client.get(f"{W}/scripts/get/p/f/a/b")).json()
    assert shown.get("codebase") is None
    row = await server.workspace.store.database.read(lambda c: scripts.latest(c, "main", "f/a/b"))
    assert row is not None
    assert stored_script(row).content == SOURCE


async def test_the_bundle_may_come_as_a_file_and_as_a_module(server: Server) -> None:
    module = "export async function main(n) { return n * 3 }\n"
    form: Any = {
        "script": (None, json.dumps({**SCRIPT, "codebase": "d1g3st.esm"})),
        "file": ("bundle.js", module.encode(), "text/javascript"),
    }
    assert (await server.client.post(f"{W}/scripts/create_snapshot", files=form)).status_code == 201
    row = await server.workspace.store.database.read(lambda c: scripts.latest(c, "main", "f/a/b"))
    assert row is not None
    assert stored_script(row).content == module


@pytest.mark.parametrize(
    ("more", "bundle", "said"),
    [
        ({"codebase": "d1g3st.tar"}, BUNDLE, "several files"),
        ({"codebase": "d1g3st.esm.tar"}, BUNDLE, "several files"),
        ({"codebase": None}, BUNDLE, "codebase is missing"),
        ({"codebase": 7}, BUNDLE, "codebase is missing"),
        ({"language": "python3"}, BUNDLE, "not python3"),
        ({}, " ", "empty"),
        ({}, "a\0b", "JavaScript"),
        ({}, "x" * 10_000_001, "10 MB"),
        ({}, b"\xff\xfe", "no text"),
    ],
)
async def test_what_does_not_run_here_is_refused(server: Server, more: dict[str, Any], bundle: Any, said: str) -> None:
    if isinstance(bundle, bytes):
        form: Any = {"script": (None, json.dumps({**SCRIPT, **more})), "file": ("b.js", bundle, "application/x-tar")}
        answer = await server.client.post(f"{W}/scripts/create_snapshot", files=form)
    else:
        answer = await pushed(server.client, more, bundle)
    assert (answer.status_code, said in answer.text) == (400, True), answer.text
    assert (await server.client.get(f"{W}/scripts/exists/p/f/a/b")).json() is False


@pytest.mark.parametrize("charset", ["utf-7", "undefined"])
async def test_half_a_character_is_no_text(server: Server, charset: str) -> None:
    """A client may name the charset of a form's fields, and some of them write what is no text."""
    parts = [("script", json.dumps(SCRIPT)), ("file", "x = '+2AA-'")]
    lines = [f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts]
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    content = "".join([*lines, "--x--\r\n"])
    answer = await server.client.post(f"{W}/scripts/create_snapshot", content=content, headers={"content-type": kind})
    assert (answer.status_code, "no text" in answer.text) == (400, True), answer.text


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"script": "{}", "file": "x"}},
        {"files": {"file": (None, "x")}},
        {"files": {"script": (None, "{}")}},
        {"files": {"script": (None, "[]"), "file": (None, "x")}},
        {"files": {"script": (None, "{"), "file": (None, "x")}},
        {"content": b"--x", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"nonsense", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    ],
)
async def test_what_is_no_such_form_is_said(server: Server, sent: dict[str, Any]) -> None:
    answer = await server.client.post(f"{W}/scripts/create_snapshot", **sent)
    assert answer.status_code == 400, answer.text


async def test_who_may_store(server: Server) -> None:
    for role, status in (("viewer", 403), ("operator", 403), ("developer", 404)):
        person = await server.person(role, role)
        assert (await pushed(person, {"path": "u/admin/x"})).status_code == status
