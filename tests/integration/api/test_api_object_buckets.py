"""Files that scripts keep in a bucket of S3: who may use it, what it answers, and what a client that goes away leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from flowapp.store import objects
from flowapp.store.buckets import Found
from tests.integration.api.api_objects import BIG, DOWN, GONE, W, get, put, signed
from tests.integration.api.api_server import TOKEN, Server
from tests.support.s3 import SECRET_KEY, Buckets, s3


async def leave_after(server: Server, address: str, parts: int) -> None:
    """Ask for something, and close the connection after some parts of the answer's content."""
    path, _, query = address.partition("?")
    seen, gone = 0, asyncio.Event()
    if parts == 0:
        gone.set()

    async def receive() -> dict[str, Any]:
        if not asked:
            asked.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal seen
        if message["type"] == "http.response.body":
            seen += 1
            if seen >= parts:
                gone.set()
                await asyncio.Event().wait()  # nobody reads on

    asked: list[bool] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"flowapp.test"), (b"authorization", f"Bearer {TOKEN}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("flowapp.test", 80),
    }
    await server.app(scope, receive, send)


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
            address = await signed(server, "one")
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
        ("change", "host"),
        [
            ({"endPoint": ""}, "s3.eu-1.amazonaws.com"),
            ({"endPoint": "s3.amazonaws.com"}, "s3.eu-1.amazonaws.com"),
            ({"endPoint": "", "region": ""}, "s3.us-east-1.amazonaws.com"),
            ({"endPoint": "https://s3.eu-1.amazonaws.com/"}, "s3.eu-1.amazonaws.com"),
            ({"endPoint": "s3.example.com", "port": 9000}, "s3.example.com:9000"),
        ],
    )
    async def test_libraries_are_told_the_host_of_the_region(
        self, server: Server, change: dict[str, Any], host: str
    ) -> None:
        with s3() as buckets:
            await self.kept_in(server, buckets, **{"useSSL": True, "pathStyle": False, **change})
            body = {"s3_resource_path": "f/ops/s3"}
            duck = (await server.client.post(f"{W}/job_helpers/v2/duckdb_connection_settings", json=body)).json()
            lines = duck["connection_settings_str"].splitlines()
            assert {f"SET s3_endpoint='{host}';", "SET s3_url_style='vhost';"} <= set(lines)
            polars = (await server.client.post(f"{W}/job_helpers/v2/polars_connection_settings", json=body)).json()
            assert (
                polars["storage_options"]["aws_endpoint_url"]
                == f"https://{host}"
                == polars["s3fs_args"]["endpoint_url"]
            )
            region = host.split(".")[1] if "amazonaws" in host else "eu-1"
            assert f"SET s3_region='{region}';" in lines and polars["storage_options"]["aws_region"] == region

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

    @pytest.mark.parametrize("body", [b"<Error><Code>NoSuchKey</Code></Error>", b"", b"<html>Not here</html>"])
    async def test_a_file_that_is_not_there(self, server: Server, body: bytes) -> None:
        with s3() as buckets:
            await self.kept_in(server, buckets)
            there = {"s3_resource_path": "f/ops/s3"}
            buckets.refusal = 404, body
            found = await get(server.client, "a", **there)
            assert (found.status_code, "no file 'a'" in found.text) == (404, True), found.text
            assert (await server.client.delete(GONE, params={"file_key": "a", **there})).status_code == 200

    async def test_a_bucket_that_is_not_there_is_no_missing_file(self, server: Server) -> None:
        with s3() as buckets:
            await self.kept_in(server, buckets)
            there = {"s3_resource_path": "f/ops/s3"}
            buckets.refusal = 404, b"<Error><Code>NoSuchBucket</Code></Error>"
            for answer in (
                await put(server.client, "a", b"one", **there),
                await get(server.client, "a", **there),
                await server.client.delete(GONE, params={"file_key": "a", **there}),
            ):
                assert (answer.status_code, "404 (NoSuchBucket)" in answer.text) == (502, True), answer.text

    @pytest.mark.parametrize("read", [0, 1])
    async def test_who_goes_away_while_a_file_is_read_leaves_no_connection_open(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, read: int
    ) -> None:
        opened: list[Found] = []  # as long as somebody holds it, nothing else closes it

        async def watched(place: objects.Place, key: str) -> Found:
            opened.append(await get_object(place, key))
            return opened[0]

        get_object = objects.get
        monkeypatch.setattr(objects, "get", watched)
        with s3() as buckets:
            await self.kept_in(server, buckets)
            there = {"s3_resource_path": "f/ops/s3"}
            buckets.files["files/big"] = BIG * 4, ""
            await leave_after(server, f"{DOWN}?file_key=big&s3_resource_path=f/ops/s3", read)
            assert opened
            assert await asyncio.to_thread(buckets.left.wait, 10), "the bucket still sends to nobody"
            assert (await put(server.client, "a", b"one", **there)).status_code == 200

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
