"""SQL scripts whose rows become stored files (`-- s3`), over HTTP: the real engine, the folder and a bucket, and rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowapp.api import create_api
from flowapp.store import identities
from flowapp.store.clock import now
from flowapp.store.tables import MemberRow, UserRow
from tests.integration.api.api_objects import DOWN, W
from tests.integration.api.api_product import Product, opened_product
from tests.integration.api.api_server import flow_of, js, script
from tests.support.s3 import Buckets, s3

ENDLESS = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT n, 'endless' AS t FROM s"


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    async with opened_product(tmp_path, idle_runners=1, allowed_hosts="127.0.0.1") as made:
        yield made


async def preview(product: Product, code: str, **more: Any) -> dict[str, Any]:
    body = {"content": code, "language": "sqlite", "args": {}, **more}
    answer = await product.client.post(f"{W}/jobs/run_wait_result/preview", json=body)
    found: dict[str, Any] = answer.json()
    return found


async def developer(product: Product, name: str) -> httpx.AsyncClient:
    """A client of another person."""
    email = f"{name}@example.org"

    def work(connection: Any) -> None:
        identities.add_user(connection, UserRow(email=email, username=name, created_at=now()))
        identities.set_member(connection, MemberRow(workspace="main", email=email, role="developer"))

    await product.workspace.store.database.write(work)
    token = await product.workspace.sessions.issue_api_token(email, "test")
    transport = httpx.ASGITransport(create_api(product.workspace))
    return httpx.AsyncClient(
        transport=transport, base_url="http://flowapp.test", headers={"authorization": f"Bearer {token}"}
    )


async def content(product: Product, file: dict[str, Any]) -> bytes:
    query = {"file_key": file["s3"], **({"storage": file["storage"]} if "storage" in file else {})}
    answer = await product.client.get(DOWN, params=query)
    assert answer.status_code == 200, answer.text
    return answer.content


async def kept_in(product: Product, buckets: Buckets) -> None:
    body = {"path": "f/ops/s3", "value": buckets.resource, "resource_type": "s3"}
    assert (await product.client.post(f"{W}/resources/create", json=body)).status_code == 201
    shape = {"type": "S3Storage", "s3_resource_path": "f/ops/s3"}
    storages = {"large_file_storage": {"secondary_storage": {"archive": shape}}}
    answer = await product.client.post(f"{W}/workspaces/edit_large_file_storage_config", json=storages)
    assert answer.status_code == 200, answer.text


async def test_rows_become_a_file_that_the_next_step_reads(product: Product, tmp_path: Path) -> None:
    code = "-- s3 prefix=exports/daily format=csv\n-- :n (int)\nSELECT :n AS n, 'x' AS t"
    flow = flow_of(
        script("a", code, "sqlite", n=js("41 + 1")),
        script("b", "def main(file: dict):\n    return file", file=js("results.a")),
    )
    draft, cell = await product.draft(flow)
    detail = await product.run(draft, cells=[cell["b"]])
    assert [step["status"] for step in detail["steps"]] == ["success"] * 2, detail
    place = f"/api/w/main/runs/{detail['run']['id']}/raw"
    file = (await product.client.get(place, params={"path": "a"})).json()
    assert (await product.client.get(place, params={"path": "b"})).json() == file
    key = file["s3"]
    shown = (await product.cells(draft))["a"]["output"]
    assert (shown["rich"]["kind"], shown["rich"]["value"]["key"]) == ("stored", key)
    assert key.startswith("exports/daily/") and key.endswith(".csv")
    assert await content(product, {"s3": key}) == b"n,t\r\n42,x\r\n"
    assert (tmp_path / "objects/main" / key).is_file()
    trail = (await product.client.get(f"{W}/audit/list?exclude_operations=object.view")).json()
    assert ("object.write", key) in [(row["operation"], row["resource"]) for row in trail]
    # the same file while nothing changes
    again = await product.run(draft, cells=[cell["b"]])
    raw = await product.client.get(f"/api/w/main/runs/{again['run']['id']}/raw", params={"path": "b"})
    assert raw.json() == {"s3": key}


async def test_by_default_it_is_called_after_its_script(product: Product) -> None:
    file = await preview(product, "-- s3\nSELECT 1 AS n", path="f/team/daily")
    assert file["s3"].startswith("wmill_datalake/f/team/daily/") and file["s3"].endswith(".json")
    assert await content(product, file) == b'[\n{"n":1}\n]\n'
    file = await preview(product, "-- s3 format=parquet\nSELECT 1 AS n")
    assert file["s3"].startswith("wmill_datalake/unknown_script/")
    assert (await content(product, file))[:4] == b"PAR1"


async def test_another_storage_of_the_workspace(product: Product) -> None:
    with s3() as buckets:
        await kept_in(product, buckets)
        file = await preview(product, "-- s3 storage=archive prefix=a format=csv\nSELECT 1 AS n")
        assert file == {"s3": file["s3"], "storage": "archive"}
        assert {key: found[0] for key, found in buckets.files.items()} == {f"files/{file['s3']}": b"n\r\n1\r\n"}
        assert await content(product, file) == b"n\r\n1\r\n"
        buckets.files.clear()
        failed = await preview(
            product, "-- s3 storage=archive\nSELECT 1 AS n UNION ALL SELECT abs(-9223372036854775807 - 1)"
        )
        assert "overflow" in failed["error"]["message"]
        assert buckets.files == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("storage=none", "There is no storage 'none'"),
        ("prefix=a/../b", "cannot be the name of a file"),
        ("format=xlsx", "json, csv, parquet"),
    ],
)
async def test_what_cannot_be_written_is_said_before_the_query_runs(product: Product, line: str, said: str) -> None:
    shape = {"content": f"-- s3 {line}\n{ENDLESS}", "language": "sqlite", "args": {}}
    answer = await product.client.post(f"{W}/jobs/run_wait_result/preview", json=shape)
    assert said in answer.text


async def test_only_who_may_write_there_writes_there(product: Product, tmp_path: Path) -> None:
    async with await developer(product, "dora") as dora:
        body = {"content": f"-- s3 prefix=u/admin/x\n{ENDLESS}", "language": "sqlite", "args": {}}
        answer = await dora.post(f"{W}/jobs/run_wait_result/preview", json=body)
        assert "no such file" in answer.json()["error"]["message"], answer.text
        body["content"] = "-- s3 prefix=u/dora/x format=csv\nSELECT 1 AS n"
        file = (await dora.post(f"{W}/jobs/run_wait_result/preview", json=body)).json()
    assert (tmp_path / "objects/main" / file["s3"]).read_bytes() == b"n\r\n1\r\n"
    assert not (tmp_path / "objects/main/u/admin").exists()


async def test_without_a_prefix_they_are_as_open_as_their_script(product: Product) -> None:
    async with await developer(product, "dora") as dora:
        body = {"name": "shared", "extra_perms": {"u/dora": False}}
        assert (await product.client.post(f"{W}/folders/create", json=body)).status_code == 200
        for path in ("u/admin/report", "u/admin/given", "f/shared/report"):
            made = {"path": path, "content": "-- s3 format=csv\nSELECT 1 AS n", "language": "sqlite", "lock": ""}
            assert (await product.client.post(f"{W}/scripts/create", json=made)).status_code == 201
        part = {"owner": "u/dora", "write": False}
        assert (await product.client.post(f"{W}/acls/add/script/u/admin/given", json=part)).status_code == 200

        async def rows(client: httpx.AsyncClient, path: str) -> str:
            answer = await client.post(f"{W}/jobs/run_wait_result/p/{path}", json={})
            key = str(answer.json()["s3"])
            assert key.startswith(f"wmill_datalake/{path}/"), answer.text
            return key

        private = await rows(product.client, "u/admin/report")
        assert await content(product, {"s3": private}) == b"n\r\n1\r\n"
        for key in (private, f"wmill_datalake/u/admin/{private.rpartition('/')[2]}", "wmill_datalake/u/admin"):
            assert (await dora.get(DOWN, params={"file_key": key})).status_code == 404
        for path in (
            "u/admin/given",
            "f/shared/report",
        ):  # whoever may only look runs it all the same, and reads what it made
            key = await rows(dora, path)
            assert (await dora.get(DOWN, params={"file_key": key})).status_code == 200
            written = await dora.post(f"{W}/job_helpers/upload_s3_file", params={"file_key": key}, content=b"x")
            assert written.status_code == 403


async def test_canceled_it_leaves_no_file(product: Product, tmp_path: Path) -> None:
    body = {"content": f"-- s3 prefix=half format=csv\n{ENDLESS}", "language": "sqlite", "args": {}}
    job = (await product.client.post(f"{W}/jobs/run/preview", json=body)).text
    folder = tmp_path / "objects/main/half"
    async with asyncio.timeout(20):
        while not (folder.is_dir() and any(one.stat().st_size for one in folder.iterdir())):
            await asyncio.sleep(0.02)
        assert (await product.client.post(f"{W}/jobs_u/queue/cancel/{job}", json={})).status_code == 200
        while any(folder.iterdir()):
            await asyncio.sleep(0.02)
