"""Files that scripts keep in the server's folder, who reads and writes them, and signed addresses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.api_objects import BIG, DOWN, GONE, UP, W, get, put, signed
from tests.integration.api.api_server import Server


class TestTheServersFolder:
    async def test_written_read_replaced_and_deleted(self, server: Server, tmp_path: Path) -> None:
        assert (await put(server.client, "/reports/year 1/ü.csv")).json() == {"file_key": "reports/year 1/ü.csv"}
        found = await get(server.client, "reports/year 1/ü.csv")
        assert (found.content, found.headers["content-length"]) == (b"one", "3")
        assert found.headers["content-type"].startswith("text/csv")
        # whatever is in it, it does not run as a page of ours
        assert found.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in found.headers["content-security-policy"]
        await put(server.client, "reports/year 1/ü.csv", BIG)
        assert (await get(server.client, "reports/year 1/ü.csv")).content == BIG
        assert (tmp_path / "objects/main/reports/year 1/ü.csv").stat().st_size == len(BIG)
        for _ in range(2):
            assert (await server.client.delete(GONE, params={"file_key": "reports/year 1/ü.csv"})).status_code == 200
        missing = await get(server.client, "reports/year 1/ü.csv")
        assert (missing.status_code, "no file" in missing.text) == (404, True)
        trail = (await server.client.get(f"{W}/audit/list?exclude_operations=object.view")).json()
        assert [row["operation"] for row in trail[:4]] == [
            "object.delete",
            "object.delete",
            "object.write",
            "object.write",
        ]

    async def test_a_file_without_a_name_gets_one(self, server: Server) -> None:
        key = (await server.client.post(UP, params={"file_extension": "png"}, content=b"\x89PNG")).json()["file_key"]
        assert key.startswith("uploads/") and key.endswith(".png")
        assert (await get(server.client, key)).headers["content-type"] == "image/png"
        odd = (await server.client.post(UP, params={"file_extension": "../x"}, content=b"")).json()["file_key"]
        assert "." not in odd and (await get(server.client, odd)).content == b""

    @pytest.mark.parametrize(
        "key", ["../flowapp.db", "a/../../flowapp.db", "a//b", "/", "a/./b", "a\nb", "a/" + "x" * 201, "a/b#1"]
    )
    async def test_what_is_no_key(self, server: Server, key: str) -> None:
        for answer in (await put(server.client, key), await get(server.client, key)):
            assert answer.status_code == 400, answer.text

    async def test_a_start_does_not_wait_for_tidying(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        tidied, go = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            await go.wait()
            tidied.set()

        monkeypatch.setattr(server.workspace.objects, "tidy", slow)
        async with asyncio.timeout(10):
            await server.workspace.start()
            assert not tidied.is_set()
            go.set()
            await tidied.wait()

    async def test_a_folder_is_no_file(self, server: Server) -> None:
        await put(server.client, "a/b")
        assert (await get(server.client, "a")).status_code == 404
        assert (await put(server.client, "a/b/c")).status_code == 502

    async def test_an_upload_that_breaks_off_leaves_what_was_there(self, server: Server, tmp_path: Path) -> None:
        await put(server.client, "a/b", b"whole")

        async def broken() -> AsyncIterator[bytes]:
            yield BIG
            raise ArithmeticError("the line is cut")

        assert (await server.client.post(UP, params={"file_key": "a/b"}, content=broken())).status_code == 500
        assert (await get(server.client, "a/b")).content == b"whole"
        assert [file.name for file in (tmp_path / "objects/main/a").iterdir()] == ["b"]

    async def test_workspaces_do_not_see_each_others(self, server: Server) -> None:
        await put(server.client, "same")
        olga = await server.person("olga", "admin", "elsewhere")
        assert (await get(olga, "same")).status_code == 404
        other = {"file_key": "same"}
        assert (await olga.get(DOWN.replace("/main/", "/elsewhere/"), params=other)).status_code == 404
        assert (await server.make_client().get(DOWN, params=other)).status_code == 401


class TestWhoMay:
    async def test_by_role(self, server: Server) -> None:
        vic, otto = await server.person("vic", "viewer"), await server.person("otto", "operator")
        assert (await put(vic, "team.txt")).status_code == 403
        assert (await put(otto, "team.txt")).status_code == 200
        assert (await get(vic, "team.txt")).content == b"one"
        assert (await vic.delete(GONE, params={"file_key": "team.txt"})).status_code == 403

    async def test_a_key_that_begins_like_a_path_is_as_open_as_the_path(self, server: Server) -> None:
        dora, wim = await server.person("dora", "developer"), await server.person("wim", "developer")
        body = {"name": "closed", "owners": ["u/dora"], "extra_perms": {}}
        assert (await dora.post(f"{W}/folders/create", json=body)).status_code == 200
        for key in ("f/closed/x.txt", "u/dora/x.txt", "/f/closed/y.txt"):
            assert (await put(dora, key)).status_code == 200
            assert (await get(wim, key)).status_code == 404
            assert (await put(wim, key)).status_code == 404
            wanted = {"s3_objects": [{"s3": key}]}
            assert (await wim.post(f"{W}/apps/sign_s3_objects", json=wanted)).status_code == 404
        assert (await get(server.client, "u/dora/x.txt")).status_code == 200, "admins read everything"


class TestSignedAddresses:
    async def test_whoever_has_one_reads_that_file_only(self, server: Server) -> None:
        await put(server.client, "a/one.txt")
        await put(server.client, "a/two.txt")
        nobody = server.make_client()
        address = await signed(server, "/a/one.txt")
        assert (await nobody.get(address)).content == b"one"
        for wrong in (
            address.replace("one.txt", "two.txt"),
            address.replace("exp=", "exp=9"),
            address[:-1] + ("0" if address[-1] != "0" else "1"),
            address.partition("?")[0],
            address.replace("/main/", "/elsewhere/"),
            address.replace("_default_", "other"),
        ):
            assert (await nobody.get(wrong)).status_code == 403, wrong

    async def test_its_time_ends(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        await put(server.client, "a")
        address, later = await signed(server, "a", expiry_secs=1), time.time() + 61
        monkeypatch.setattr(time, "time", lambda: later)
        assert (await server.make_client().get(address)).status_code == 403

    @pytest.mark.parametrize("wanted", [None, "a", [1], [{"s3": 1}], [{"s3": "a", "storage": 1}], [{"s3": "../a"}]])
    async def test_what_cannot_be_signed(self, server: Server, wanted: Any) -> None:
        answer = await server.client.post(f"{W}/apps/sign_s3_objects", json={"s3_objects": wanted})
        assert answer.status_code == 400, answer.text
