"""Files that scripts keep: in the server's folder and in a bucket, who reads and writes them, and signed addresses."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.api.api_server import Server
from tests.support.s3 import SECRET_KEY, Buckets, s3

W = "/api/w/main"
UP, DOWN, GONE = (f"{W}/job_helpers/{name}_s3_file" for name in ("upload", "download", "delete"))
BIG = bytes(range(256)) * 60_000  # more than one part


async def put(client: httpx.AsyncClient, key: str, content: bytes = b"one", **query: str) -> httpx.Response:
    return await client.post(UP, params={"file_key": key, **query}, content=content)


async def get(client: httpx.AsyncClient, key: str, **query: str) -> httpx.Response:
    return await client.get(DOWN, params={"file_key": key, **query})


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
        trail = (await server.client.get(f"{W}/audit/list")).json()
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
    async def signed(self, server: Server, key: str, **more: Any) -> str:
        body = {"s3_objects": [{"s3": key}], **more}
        answer = await server.client.post(f"{W}/apps/sign_s3_objects", json=body)
        assert answer.status_code == 200, answer.text
        return f"{W}/s3_proxy/_default_/{key}?{answer.json()[0]['presigned']}"

    async def test_whoever_has_one_reads_that_file_only(self, server: Server) -> None:
        await put(server.client, "a/one.txt")
        await put(server.client, "a/two.txt")
        nobody = server.make_client()
        address = await self.signed(server, "/a/one.txt")
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
        address, later = await self.signed(server, "a", expiry_secs=1), time.time() + 61
        monkeypatch.setattr(time, "time", lambda: later)
        assert (await server.make_client().get(address)).status_code == 403

    @pytest.mark.parametrize("wanted", [None, "a", [1], [{"s3": 1}], [{"s3": "a", "storage": 1}], [{"s3": "../a"}]])
    async def test_what_cannot_be_signed(self, server: Server, wanted: Any) -> None:
        answer = await server.client.post(f"{W}/apps/sign_s3_objects", json={"s3_objects": wanted})
        assert answer.status_code == 400, answer.text


class TestBuckets:
    async def kept_in(self, server: Server, buckets: Buckets, **change: Any) -> None:
        await server.client.post(
            f"{W}/variables/create", json={"path": "f/ops/key", "value": SECRET_KEY, "is_secret": True}
        )
        value = {**buckets.resource, "secretKey": "$var:f/ops/key", **change}
        body = {"path": "f/ops/s3", "value": value, "resource_type": "s3"}
        assert (await server.client.post(f"{W}/resources/create", json=body)).status_code == 201

    async def chosen(self, server: Server, shape: Any) -> httpx.Response:
        body = {"large_file_storage": shape}
        return await server.client.post(f"{W}/workspaces/edit_large_file_storage_config", json=body)

    async def test_a_call_names_its_own_resource(self, server: Server) -> None:
        with s3() as buckets:
            await self.kept_in(server, buckets)
            there = {"s3_resource_path": "$res:f/ops/s3"}
            assert (
                await put(server.client, "a b/ü.txt", b"in s3", content_type="text/x-own", **there)
            ).status_code == 200
            assert buckets.files == {"files/a b/ü.txt": (b"in s3", "text/x-own")}
            assert (await put(server.client, "big", BIG, **there)).status_code == 200
            assert buckets.files["files/big"][0] == BIG
            found = await get(server.client, "a b/ü.txt", **there)
            assert (found.content, found.headers["content-type"]) == (b"in s3", "text/x-own; charset=utf-8")
            assert (await get(server.client, "big", **there)).content == BIG
            assert (await get(server.client, "none", **there)).status_code == 404
            await server.client.delete(GONE, params={"file_key": "big", **there})
            assert list(buckets.files) == ["files/a b/ü.txt"]
            assert (await get(server.client, "a b/ü.txt")).status_code == 404, "the server's folder is another place"

    async def test_the_workspaces_own(self, server: Server) -> None:
        with s3() as buckets:
            await self.kept_in(server, buckets)
            shape = {"type": "S3Storage", "s3_resource_path": "$res:f/ops/s3"}
            both = {**shape, "secondary_storage": {"old": shape}}
            assert (await self.chosen(server, both)).status_code == 200
            kept = (await server.client.get(f"{W}/workspaces/get_large_file_storage_config")).json()
            assert kept["s3_resource_path"] == kept["secondary_storage"]["old"]["s3_resource_path"] == "f/ops/s3"
            otto = await server.person("otto", "operator")
            await put(otto, "one")
            await put(otto, "two", storage="old")
            assert sorted(buckets.files) == ["files/one", "files/two"]
            assert (await put(otto, "one", storage="none")).status_code == 400
            address = await TestSignedAddresses().signed(server, "one")
            assert (await server.make_client().get(address)).content == b"one"
            assert (await self.chosen(server, None)).status_code == 200
            assert (await get(otto, "one")).status_code == 404
            vic = await server.person("vic", "developer")
            assert (await vic.post(f"{W}/workspaces/edit_large_file_storage_config", json=both)).status_code == 403

    async def test_libraries_connect_with_what_their_caller_may_read(self, server: Server) -> None:
        info = f"{W}/job_helpers/v2/s3_resource_info"
        assert "load_s3_file" in (await server.client.post(info, json={})).text
        with s3() as buckets:
            await self.kept_in(server, buckets)
            await self.chosen(server, {"type": "S3Storage", "s3_resource_path": "f/ops/s3"})
            for body in ({}, {"s3_resource_path": "f/ops/s3"}):
                assert (await server.client.post(info, json=body)).json()["secretKey"] == SECRET_KEY
            duck = (await server.client.post(f"{W}/job_helpers/v2/duckdb_connection_settings", json={})).json()
            assert f"SET s3_secret_access_key='{SECRET_KEY}';" in duck["connection_settings_str"]
            polars = (await server.client.post(f"{W}/job_helpers/v2/polars_connection_settings", json={})).json()
            assert polars["storage_options"]["aws_allow_http"] == "true"
            vic = await server.person("vic", "viewer")
            answer = await vic.post(info, json={})
            assert answer.status_code == 403 and SECRET_KEY not in answer.text

    @pytest.mark.parametrize(
        ("change", "status", "says"),
        [
            ({"accessKey": ""}, 400, "accessKey"),
            ({"bucket": "a/../b"}, 400, "bucket"),
            ({"endPoint": "127.0.0.1:1/x?y"}, 400, "endPoint"),
            ({"endPoint": "a@b"}, 400, "endPoint"),
            ({"endPoint": "h:99999"}, 400, "endPoint"),
            ({"endPoint": "[1]"}, 400, "endPoint"),
            ({"endPoint": "192.168.7.7:1"}, 502, "private"),
            ({"endPoint": "10.0.0.1:9000", "useSSL": True}, 502, "private"),
            ({"accessKey": "another"}, 502, "403 (InvalidAccessKeyId)"),
            ({"secretKey": "another"}, 502, "403 (SignatureDoesNotMatch)"),
            ({"port": 1, "endPoint": "127.0.0.1"}, 502, "http://127.0.0.1:1"),
        ],
    )
    async def test_a_resource_that_opens_nothing(
        self, server: Server, change: dict[str, Any], status: int, says: str
    ) -> None:
        with s3() as buckets:
            await self.kept_in(server, buckets, **change)
            answer = await put(server.client, "a", s3_resource_path="f/ops/s3")
            assert (answer.status_code, says in answer.text) == (status, True), answer.text
            assert SECRET_KEY not in answer.text and "X-Amz" not in answer.text and not buckets.files

    async def test_a_host_sends_nobody_elsewhere(self, server: Server) -> None:
        with s3() as buckets, s3() as inner:
            await self.kept_in(server, buckets)
            there = {"s3_resource_path": "f/ops/s3"}
            buckets.elsewhere = f"http://{inner.host}/files/a"
            for answer in (
                await put(server.client, "a", b"one", **there),
                await get(server.client, "a", **there),
                await server.client.delete(GONE, params={"file_key": "a", **there}),
            ):
                assert (answer.status_code, "elsewhere" in answer.text) == (502, True), answer.text
            assert len(buckets.asked) == 3 and not inner.asked

    async def test_what_an_admin_chose_is_not_sent_elsewhere_by_others(self, server: Server) -> None:
        body = {"path": "u/admin/payroll", "value": "for admins only", "is_secret": True}
        await server.client.post(f"{W}/variables/create", json=body)
        dora = await server.person("dora", "developer")
        with s3() as buckets, s3() as hers:
            await self.kept_in(server, buckets)
            shape = {"type": "S3Storage", "s3_resource_path": "f/ops/s3"}
            await self.chosen(server, shape)
            await put(dora, "one")
            changed = {**hers.resource, "token": "$var:u/admin/payroll"}
            assert (await dora.post(f"{W}/resources/update/f/ops/s3", json={"value": changed})).status_code == 200
            answer = await get(dora, "one")
            assert (answer.status_code, "was changed after" in answer.text) == (400, True)
            assert not hers.asked
            await self.chosen(server, shape)
            assert (await get(dora, "one")).status_code == 502, "an admin chose it as it is now, and it is none"

    async def test_who_chose_it_may_not_use_it_any_more(self, server: Server) -> None:
        ada = await server.person("ada", "admin")
        with s3() as buckets:
            await self.kept_in(server, buckets)
            body = {"large_file_storage": {"type": "S3Storage", "s3_resource_path": "f/ops/s3"}}
            await ada.post(f"{W}/workspaces/edit_large_file_storage_config", json=body)
            await put(server.client, "one")
            await server.client.delete(f"{W}/users/delete/ada")
            answer = await get(server.client, "one")
            assert (answer.status_code, "choose it again" in answer.text) == (400, True), answer.text

    async def test_a_key_is_as_open_as_its_path_in_any_place(self, server: Server) -> None:
        with s3() as buckets:
            await self.kept_in(server, buckets)
            await self.chosen(server, {"type": "S3Storage", "s3_resource_path": "f/ops/s3"})
            await put(server.client, "u/admin/private.txt")
            otto = await server.person("otto", "operator")
            for query in ({}, {"s3_resource_path": "f/ops/s3"}):
                assert (await get(otto, "u/admin/private.txt", **query)).status_code == 404

    async def test_a_resource_that_is_not_the_callers(self, server: Server) -> None:
        with s3() as buckets:
            body = {"path": "u/admin/s3", "value": buckets.resource, "resource_type": "s3"}
            await server.client.post(f"{W}/resources/create", json=body)
            dora = await server.person("dora", "developer")
            assert (await put(dora, "a", s3_resource_path="u/admin/s3")).status_code == 404
            assert (await put(dora, "a", s3_resource_path="u/admin/none")).status_code in (400, 404)
            assert not buckets.files
