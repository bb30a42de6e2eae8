"""What tests of stored files have in common: keeping one, reading one, and a signed address."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.api.api_server import Server

W = "/api/w/main"
UP, DOWN, GONE = (f"{W}/job_helpers/{name}_s3_file" for name in ("upload", "download", "delete"))
BIG = bytes(range(256)) * 60_000  # more than one part


async def put(client: httpx.AsyncClient, key: str, content: bytes = b"one", **query: str) -> httpx.Response:
    return await client.post(UP, params={"file_key": key, **query}, content=content)


async def get(client: httpx.AsyncClient, key: str, **query: str) -> httpx.Response:
    return await client.get(DOWN, params={"file_key": key, **query})


async def signed(server: Server, key: str, **more: Any) -> str:
    body = {"s3_objects": [{"s3": key}], **more}
    answer = await server.client.post(f"{W}/apps/sign_s3_objects", json=body)
    assert answer.status_code == 200, answer.text
    return f"{W}/s3_proxy/_default_/{key}?{answer.json()[0]['presigned']}"
