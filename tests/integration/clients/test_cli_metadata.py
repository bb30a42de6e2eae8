"""`wmill generate-metadata`: locks by the server, of scripts and flows, with what a folder's scripts import from each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.clients.wmill import Wmill
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLOW = """summary: Counts
description: ''
value:
  modules:
    - id: a
      summary: in Python
      value:
        type: rawscript
        content: '!inline in_python.py'
        language: python3
        input_transforms: {}
    - id: b
      summary: in Bash
      value:
        type: rawscript
        content: '!inline in_bash.sh'
        language: bash
        input_transforms: {}
schema: {type: object, properties: {}, required: []}
"""
FILES = {
    "wmill.yaml": "defaultTs: bun\nincludes: ['f/**']\nexcludes: []\n",
    "f/lib/commas.py": "import humanize\n\ndef commas(n):\n    return humanize.intcomma(n)\n\ndef main(n: int):\n    return commas(n)\n",
    "f/lib/uses.py": "from f.lib.commas import commas\n\ndef main(n: int = 1234567):\n    return commas(n)\n",
    "f/lib/plain.py": "def main(a: str, b: int = 3):\n    return a * b\n",
    "f/lib/counts.flow/flow.yaml": FLOW,
    "f/lib/counts.flow/in_python.py": "from f.lib.commas import commas\n\ndef main():\n    return commas(1000)\n",
    "f/lib/counts.flow/in_bash.sh": "echo done\n",
}


@pytest.fixture
def wmill(server: Live, program: Path, tmp_path: Path) -> Wmill:
    wmill = Wmill(program, server.url, tmp_path)
    wmill.write(FILES)
    return wmill


async def test_locks_and_schemas_of_scripts_and_flows(server: Live, wmill: Wmill) -> None:
    said = await wmill("generate-metadata", "--yes")
    files = wmill.files()
    assert "humanize==" in files["f/lib/commas.script.lock"], said
    assert "humanize==" in files["f/lib/uses.script.lock"], "what an unpushed script imports counts too"
    assert "lock: ''" in files["f/lib/plain.script.yaml"] and "required:\n    - a" in files["f/lib/plain.script.yaml"]
    locks = {name: text for name, text in files.items() if ".flow/" in name and name.endswith(".lock")}
    assert ["humanize==" in text for text in locks.values()] == [True], files.keys()
    assert "up-to-date" in await wmill("generate-metadata", "--yes")
    await wmill("sync", "push", "--yes")
    stored = await server.get("scripts/get/p/f/lib/uses")
    assert stored["lock"] == files["f/lib/uses.script.lock"]
    assert (await wmill("script", "run", "-s", "f/lib/uses", "-d", "{}")).strip() == '"1,234,567"'


async def test_a_preview_takes_the_scripts_of_the_folder_along(wmill: Wmill) -> None:
    wmill.write(
        {"f/lib/commas.py": "def commas(n):\n    return f'local {n}'\n\ndef main(n: int):\n    return commas(n)\n"}
    )
    assert "local 1234567" in await wmill("script", "preview", "f/lib/uses.py", "-d", "{}")
    assert "local 1000" in await wmill("flow", "preview", "f/lib/counts.flow", "-d", "{}", "--step", "a")


async def test_what_cannot_be_resolved_is_said(wmill: Wmill) -> None:
    wmill.write({"f/lib/plain.py": "import no_such_package_at_all_zz\n\ndef main(): ...\n"})
    said = await wmill("generate-metadata", "--yes", "f/lib", code=1)
    assert "no-such-package-at-all-zz" in said, said
