"""Synchronous webhooks: 1,000 calls, 50 at a time, of a flow of one step; all must answer right. On SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.figures import percentile
from tests.acceptance.product import TOKEN, Product
from tests.support.postgres import postgres_server

CALLS = 1_000
AT_ONCE = 50
WARM_UP = 50
PATH = "f/bench/hook"
CODE = {
    "python3": "def main(n: int):\n    return {'n': n + 1}\n",
    "identity": "",
}


def main() -> None:
    """Print a line for each database and kind of step."""
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        for name, url in (("SQLite", ""), ("PostgreSQL", server.create("webhooks"))):
            product = Product(Path(folder) / name, extra={"DATABASE_URL": url, "FLOWAPP_WAIT_S": "60"})
            product.start()
            try:
                for kind in CODE:
                    asyncio.run(measure(f"{name}, {kind}", product, kind))
            finally:
                product.stop()


async def measure(title: str, product: Product, kind: str) -> None:
    """Deploy the flow, call it, and print what that took."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=product.url, headers=headers, limits=limits, timeout=120) as client:
        await deploy(client, kind)
        await calls(client, kind, WARM_UP)
        begun = time.perf_counter()
        took = await calls(client, kind, CALLS)
        seconds = time.perf_counter() - begun
    p50, p95 = percentile(took, 0.5), percentile(took, 0.95)
    print(
        f"{title:<28} {CALLS} calls, {AT_ONCE} at once: p50 {p50:7.0f} ms   p95 {p95:7.0f} ms   "
        f"{CALLS / seconds:6.0f} calls/s"
    )


async def deploy(client: httpx.AsyncClient, kind: str) -> None:
    """A flow that adds one in a script, or passes its input on."""
    await client.post("/api/w/main/folders/create", json={"name": "bench"})
    n = {"type": "javascript", "expr": "flow_input.n"}
    value = {"type": "rawscript", "language": kind, "content": CODE[kind], "input_transforms": {"n": n}}
    if kind == "identity":
        value = {"type": "identity"}
    flow = {"path": f"{PATH}_{kind}", "summary": "", "value": {"modules": [{"id": "a", "value": value}]}}
    (await client.post("/api/w/main/flows/create", json=flow)).raise_for_status()


async def calls(client: httpx.AsyncClient, kind: str, count: int) -> list[float]:
    """How long each call took, in milliseconds.

    Raises:
        AssertionError: one answered something else than it must.
    """
    numbers = iter(range(count))
    took: list[float] = []

    async def caller() -> None:
        for n in numbers:
            begun = time.perf_counter()
            answer = await client.post(f"/api/w/main/jobs/run_wait_result/f/{PATH}_{kind}", json={"n": n})
            took.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == 200, answer.text
            assert answer.json() == {"n": n + (kind != "identity")}, answer.text

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return took


if __name__ == "__main__":
    main()
