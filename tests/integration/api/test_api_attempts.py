"""What each attempt of a retried step printed, over HTTP."""

from __future__ import annotations

from typing import Any

from tests.integration.api.api_product import Product
from tests.integration.api.api_server import flow_of, script

SPEAKS_ONCE = """
from pathlib import Path

def main():
    kept = Path("./shared/n")
    n = int(kept.read_text()) + 1 if kept.exists() else 1
    kept.write_text(str(n))
    if n == 1:
        print("first of all")
        raise ValueError("no luck")
    if n == 2:
        print("once more")
        raise OSError("none again")
    return n
"""


async def test_the_log_of_each_attempt_is_read(product: Product) -> None:
    step = script("a", SPEAKS_ONCE)
    step["retry"] = {"constant": {"attempts": 3, "seconds": 0}}
    flow = flow_of(step)
    flow["value"]["same_worker"] = True
    draft, cell = await product.draft(flow)
    detail = await product.run(draft, cells=[cell["a"]])
    run, (shown,) = detail["run"], detail["steps"]
    assert (shown["status"], shown["attempt"]) == ("success", 3)
    failed = [(one["attempt"], one["error"]["message"]) for one in shown["failed_attempts"]]
    assert failed == [(1, "no luck"), (2, "none again")]
    address = f"/api/w/main/runs/{run['id']}/logs"

    async def log(**query: Any) -> Any:
        return (await product.client.get(address, params={"path": "a", **query})).json()

    assert await log(attempt=1) == {"text": "first of all\n", "next": 13, "done": False}
    assert await log(attempt=1, offset=6) == {"text": "of all\n", "next": 13, "done": False}
    assert await log(attempt=1, offset=13) == {"text": "", "next": 13, "done": True}
    assert (await log(attempt=2))["text"] == "once more\n"
    # the last one printed nothing: what an earlier one did is not told as its own
    assert await log(attempt=3) == await log() == {"text": "", "next": 0, "done": True}
    output = (await product.client.get(f"/api/w/main/runs/{run['id']}/output", params={"path": "a"})).json()
    assert output["logs"]["lines"] == 0
    assert (await product.cells(draft))["a"]["output"]["logs"]["lines"] == 0
    for one in (output, (await product.cells(draft))["a"]["output"]):
        tried = [(earlier["attempt"], earlier["error"]["message"]) for earlier in one["failed_attempts"]]
        assert (one["attempt"], tried) == (3, failed)
    assert (await log(attempt=4))["text"] == ""

    whole = await product.client.get(address, params={"path": "a", "attempt": 2, "download": "true"})
    assert whole.text == "once more\n"
    assert 'filename="a-attempt-2.log"' in whole.headers["content-disposition"]
    link = (await product.client.post(f"/api/w/main/runs/{run['id']}/links", json={})).json()["path"]
    stranger = await product.client.get(link, params={"step": "a"})
    assert stranger.status_code == 200 and "first of all" not in stranger.text and "once more" not in stranger.text
    for wrong in ("-1", "x", "1e99"):
        refused = await product.client.get(address, params={"path": "a", "attempt": wrong})
        assert refused.status_code == 400 and refused.json()["error"]["message"]
