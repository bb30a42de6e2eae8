"""Bodies of 100 MB, paths that lead out of where they stand, and texts that are none: for every address that takes one.

What is too big is refused without being read, so that nobody fills the server's memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowapp.api.app import ROUTERS, openapi
from flowapp.api.bodies import MAX_ARGUMENTS
from tests.integration.api.api_server import CHAIN, Server
from tests.live import Live, live
from tests.support.honest import lie_in

MB = 1 << 20
HUNDRED = 100 * MB
PIECE = b" " * MB
W = "/api/w/main"
#: What leads out of a folder, in the ways in which it can be written into an address.
OUTSIDE = ("../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "f/team/%2e%2e/%2e%2e/x", "f%5c..%5c..%5cx")
#: What no text is, or what databases, headers and file systems do not take.
NO_TEXT = ("%ff%fe", "%ed%a0%80%00", "%0d%0aset-cookie:%20a=b")
#: Paths of things that are to be stored.
BAD_PATHS = (
    "../../etc/passwd",
    "f/../../etc/passwd",
    "f/team/../../x",
    "/etc/passwd",
    "f/team/..",
    "f\\team\\x",
    "f/team/a\x00b",
    "f/team/a\nb",
    "u/admin/" + "x" * 5000,
    "",
    " ",
    7,
    None,
    ["f/team/x"],
)


class Counted:
    """A body of 100 MB that counts how much of it was taken."""

    def __init__(self, size: int = HUNDRED) -> None:
        self.taken = 0
        self._size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.taken < self._size:
            self.taken += len(PIECE)
            yield PIECE


async def named(server: Server) -> dict[str, str]:
    """Things that addresses name."""
    draft = await server.draft(CHAIN, path="u/admin/chain")
    await server.post(draft, "deploy", {})
    cell = (await server.notebook(draft))["cells"][0]["id"]
    run = (await server.run(draft, cell))["run_id"]
    await server.client.post(f"{W}/folders/create", json={"name": "team"})
    return {
        "ws": "main",
        "draft_id": draft,
        "run_id": run,
        "job_id": run,
        "path": "u/admin/chain",
        "name": "team",
        "kind": "folder",
        "version": "1",
        "number": "1",
        "resume_id": "1",
        "milliseconds": "1",
        "hash": "0" * 16,
    }


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """All of the document, without those that end the session and those that never end."""
    left_out = ("/signout", "/events", "/api/auth/logout", "/end_other_sessions", "/packages/clear")
    return [
        (method, path, operation)
        for path, item in openapi()["paths"].items()
        for method, operation in item.items()
        if not path.endswith(left_out)
    ]


def address(path: str, names: dict[str, str]) -> str:
    """An address with every name filled in."""
    for part in path.split("{")[1:]:
        name = part.partition("}")[0]
        path = path.replace("{" + name + "}", names.get(name, "x"))
    return path


def wrong_with(answer: httpx.Response) -> str:
    """What an answer must not be."""
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.status_code >= 400 and not answer.text.strip():
        return f"{answer.status_code} without a word"
    if "Traceback" in answer.text or "root:" in answer.text:
        return f"{answer.status_code} {answer.text[:200]}"
    return lie_in(answer)


class TestAHundredMegabytes:
    @pytest.mark.parametrize("announced", [True, False], ids=["announced", "in pieces"])
    async def test_are_refused_before_they_are_read(self, server: Server, announced: bool) -> None:
        names = await named(server)
        wrong = []
        refused = 0
        for method, path, operation in operations():
            if method != "post" or "requestBody" not in operation or path.endswith("/upload_s3_file"):
                continue
            body = Counted()
            headers = {"content-type": "application/json", **({"content-length": str(HUNDRED)} if announced else {})}
            answer = await server.client.post(address(path, names), content=body, headers=headers)
            most = 0 if announced else MAX_ARGUMENTS + 2 * MB
            if said := wrong_with(answer):
                wrong.append(f"{path}: {said}")
            elif answer.status_code == 413 and "bigger than" in answer.text and "MB" in answer.text:
                refused += 1
            elif body.taken > 0:  # whoever is refused for something else has not sent it for nothing either
                wrong.append(f"{path}: {answer.status_code} after {body.taken >> 20} MB: {answer.text[:100]}")
            if body.taken > most:
                wrong.append(f"{path}: {body.taken >> 20} MB were read")
        assert not wrong, "\n".join(wrong)
        assert refused > 60

    async def test_of_strangers_are_not_read(self, server: Server) -> None:
        stranger = server.make_client()
        for path in ("scripts/create", "flows/create", "jobs/run/p/f/a/b", "drafts", "job_helpers/upload_s3_file"):
            body = Counted()
            answer = await stranger.post(f"{W}/{path}", content=body)
            assert (answer.status_code, body.taken) == (401, 0), path

    async def test_leave_the_memory_of_a_real_server_as_it_was(self, tmp_path: Path) -> None:
        async with live(tmp_path) as started:
            await refuses(started, "scripts/create")
            before = resident()
            for path in ("scripts/create", "flows/create", "resources/create", "variables/create", "drafts") * 3:
                await refuses(started, path)
            assert resident() - before < 48 * MB
            assert (await started.client.get("/api/version")).status_code == 200


async def refuses(server: Live, path: str) -> None:
    """Send 100 MB to an address of a started server, in pieces; the connection may be closed meanwhile."""
    body = Counted()
    try:
        answer = await server.client.post(f"{W}/{path}", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413 and "bigger than 16 MB" in answer.text, answer.text
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        assert body.taken < HUNDRED, path


def resident() -> int:
    """The memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TestAddresses:
    @pytest.mark.parametrize("junk", [*OUTSIDE, *NO_TEXT], ids=lambda junk: junk[:30])
    async def test_no_name_leads_out_or_fails(self, server: Server, junk: str) -> None:
        names = await named(server)
        wrong = []
        for method, path, _ in operations():
            for part in path.split("{")[1:]:
                name = part.partition("}")[0]
                url = httpx.URL("http://flowapp.test").copy_with(raw_path=address(path, {**names, name: junk}).encode())
                content = None if method in ("get", "delete") else b"{}"
                answer = await server.client.request(method, url, content=content)
                if said := wrong_with(answer):
                    wrong.append(f"{method} {path} {name}: {said}")
                if "set-cookie" in answer.headers and junk.startswith("%0d"):
                    wrong.append(f"{method} {path} {name}: a header came out of the address")
        assert not wrong, "\n".join(wrong)

    @pytest.mark.parametrize("text", ["%ff%c3%28", "%ed%a0%80%00"])
    async def test_queries_that_are_no_text(self, server: Server, text: str) -> None:
        names = await named(server)
        wrong = []
        for method, path, operation in operations():
            asked = [about["name"] for about in operation.get("parameters", []) if about.get("in") == "query"]
            for name in asked:
                url = httpx.URL("http://flowapp.test").copy_with(
                    raw_path=f"{address(path, names)}?{name}={text}".encode()
                )
                content = None if method in ("get", "delete") else b"{}"
                answer = await server.client.request(method, url, content=content)
                if said := wrong_with(answer):
                    wrong.append(f"{method} {path} {name}: {said}")
        assert not wrong, "\n".join(wrong)


class TestPathsOfWhatIsStored:
    async def test_none_leads_out(self, server: Server) -> None:
        value = {"modules": [{"id": "a", "value": {"type": "identity"}}]}
        bodies: dict[str, dict[str, Any]] = {
            "scripts/create": {"summary": "", "content": "def main(): ...", "language": "python3", "lock": ""},
            "flows/create": {"summary": "", "value": value},
            "variables/create": {"value": "v", "is_secret": False, "description": ""},
            "resources/create": {"value": {}, "resource_type": "any"},
            "schedules/create": {
                "schedule": "0 0 3 * * *",
                "timezone": "UTC",
                "args": {},
                "enabled": False,
                "script_path": "u/admin/chain",
                "is_flow": True,
            },
        }
        await named(server)
        before = (await server.client.get(f"{W}/workspaces/tarball?include_schedules=true")).content
        for where, body in bodies.items():
            for path in BAD_PATHS:
                answer = await server.client.post(f"{W}/{where}", content=json.dumps({**body, "path": path}))
                assert 400 <= answer.status_code < 500 and len(answer.text) > 10, f"{where} {path!r}: {answer.text}"
        for where in ("folders/create", "groups/create", "resources/type/create"):
            for path in ("../x", "a/b", "a\\b", "..", "", "a\x00", "x" * 5000, None, 7):
                answer = await server.client.post(f"{W}/{where}", content=json.dumps({"name": path, "schema": {}}))
                assert 400 <= answer.status_code < 500 and len(answer.text) > 10, f"{where} {path!r}: {answer.text}"
        after = (await server.client.get(f"{W}/workspaces/tarball?include_schedules=true")).content
        assert before == after

    @pytest.mark.parametrize("key", ["../x", "a/../../x", "a//b", "a/./b", "a\x00b", "..", "x" * 5000])
    async def test_keys_of_files_neither(self, server: Server, key: str) -> None:
        for method, where in (
            ("post", "upload_s3_file"),
            ("get", "download_s3_file"),
            ("delete", "delete_s3_file"),
        ):
            answer = await server.client.request(method, f"{W}/job_helpers/{where}", params={"file_key": key})
            assert 400 <= answer.status_code < 500 and answer.text, f"{where}: {answer.status_code} {answer.text}"


def test_the_document_knows_all_routes() -> None:
    """What is tried above is everything that there is."""
    routes = {route.path for module in ROUTERS for route in module.router.routes}
    assert len(openapi()["paths"]) == len({path.replace(":path}", "}") for path in routes})
