"""Packages and stored scripts through the whole server: locks at deploy, imports with rights, cells out of date."""

from __future__ import annotations

from typing import Any

from tests.integration.api.api_product import Product
from tests.integration.api.api_server import flow_of, script

W = "/api/w/main"
LIB = {"path": "f/lib/words", "language": "python3", "summary": "", "description": "", "content": ""}


async def stored(product: Product, code: str, **more: Any) -> str:
    made = await product.client.post(f"{W}/scripts/create", json={**LIB, "content": code, **more})
    assert made.status_code == 201, made.text
    return made.text


async def test_a_changed_script_makes_what_imports_it_out_of_date(product: Product) -> None:
    first = await stored(product, "def word(): return 'one'\n")
    flow = flow_of(
        script("a", "from f.lib.words import word\n\ndef main():\n    return word()\n"),
        script("b", "def main(x: str):\n    return x * 2\n", x={"type": "javascript", "expr": "results.a"}),
    )
    draft, cell = await product.draft(flow)
    detail = await product.run(draft, cells=[cell["b"]])
    assert [step["status"] for step in detail["steps"]] == ["success", "success"], detail
    assert (await product.cells(draft))["a"]["output"]["title_text"] == "one"
    second = await stored(product, "def word(): return 'two'\n", parent_hash=first)
    cells = await product.cells(draft)
    assert [(cells[s]["state"]["kind"], cells[s]["state"]["causes"][0]["text"]) for s in "ab"] == [
        ("stale", "script f/lib/words changed"),
        ("stale", "x from a is out of date"),
    ]
    await product.run(draft, cells=[cell["b"]])
    cells = await product.cells(draft)
    assert [(cells[s]["state"]["kind"], cells[s]["output"]["title_text"]) for s in "ab"] == [
        ("fresh", "two"),
        ("fresh", "twotwo"),
    ]
    assert first != second
    missing = await product.client.post(f"{W}/scripts/archive/p/f/lib/words")
    assert missing.status_code == 200
    detail = await product.run(draft, cells=[cell["a"]], fresh=True)
    failed = detail["steps"][0]
    assert failed["status"] == "failure"


async def test_locks_are_made_when_code_is_stored(product: Product) -> None:
    plain = await stored(product, "import json\ndef main(): pass\n", path="f/lib/plain")
    found = (await product.client.get(f"{W}/scripts/get/h/{plain}")).json()
    assert found["lock"] is None
    await stored(product, "import humanize\n\ndef comma(n): return humanize.intcomma(n)\n", path="f/lib/numbers")
    code = "from f.lib.numbers import comma\n\ndef main(n: int = 5000):\n    return comma(n)\n"
    main = await stored(product, code, path="f/lib/main")
    found = (await product.client.get(f"{W}/scripts/get/h/{main}")).json()
    assert "# needs: humanize" in found["lock"]
    assert "humanize==" in found["lock"]
    wrong = await stored(product, "import no_such_package_at_all_zz\ndef main(): pass\n", path="f/lib/wrong")
    status = (await product.client.get(f"{W}/scripts/deployment_status/h/{wrong}")).json()
    assert status["lock"] is None
    assert "no package no-such-package-at-all-zz" in status["lock_error_logs"]
    draft, _ = await product.draft(flow_of(script("a", code), script("b", "import os\ndef main(): return 1\n")))
    deployed = await product.client.post(f"/api/w/main/drafts/{draft}/deploy", json={"path": "f/lib/flow"})
    assert deployed.status_code == 200, deployed.text
    assert deployed.json()["not_locked"] == []
    value = (await product.client.get(f"{W}/flows/get/f/lib/flow")).json()["value"]
    locks = [module["value"].get("lock") for module in value["modules"]]
    assert locks[0] == found["lock"]
    assert locks[1] is None
    result = await product.client.post(f"{W}/jobs/run_wait_result/f/f/lib/flow", json={})
    assert result.json() == 1


async def test_typescript_imports_scripts_beside_its_flow(product: Product) -> None:
    code = "export const word = () => 'one';\n"
    first = await stored(product, code, path="f/lib/tswords", language="bun")
    cell = 'import { word } from "../lib/tswords.ts";\n\nexport function main() {\n  return word();\n}\n'
    draft, ids = await product.draft(flow_of(script("a", cell, "deno")), path="f/other/flow")
    detail = await product.run(draft, cells=[ids["a"]])
    assert [step["status"] for step in detail["steps"]] == ["success"], detail
    await stored(product, code.replace("one", "two"), path="f/lib/tswords", language="bun", parent_hash=first)
    state = (await product.cells(draft))["a"]["state"]
    assert (state["kind"], state["causes"][0]["text"]) == ("stale", "script f/lib/tswords changed")
    await product.run(draft, cells=[ids["a"]])
    assert (await product.cells(draft))["a"]["output"]["title_text"] == "two"
    assert (await product.client.post(f"{W}/scripts/archive/p/f/lib/tswords")).status_code == 200
    await product.run(draft, cells=[ids["a"]], fresh=True)
    error = (await product.cells(draft))["a"]["output"]["error"]
    assert error["message"].startswith('Line 1 imports "../lib/tswords.ts": There is no script at f/lib/tswords.')
