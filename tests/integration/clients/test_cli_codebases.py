"""Scripts of a codebase, bundled by Windmill's unmodified command line: they are stored, run as they are, and show no difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.clients.wmill import Wmill
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE = "0 changes to apply"
SETTINGS = """defaultTs: bun
includes: ['f/**']
excludes: []
codebases:
  - relative_path: lib
    includes: ['f/team/plain.ts']
  - relative_path: lib
    format: esm
    includes: ['f/team/module.ts']
"""
META = "summary: ''\ndescription: ''\nkind: script\nschema: {type: object, properties: {n: {type: number}}, required: [n]}\n"
FILES = {
    "wmill.yaml": SETTINGS,
    "lib/twice.ts": "export const twice = (n: number): number => n * 2\n",
    "lib/deep/more.ts": "import { twice } from '../twice'\nexport const more = (n: number) => ({ twice: twice(n), of: 'a codebase' })\n",
    "f/team/folder.meta.yaml": "summary: ''\ndisplay_name: team\nowners: [g/all]\nextra_perms: {}\n",
    "f/team/plain.ts": "import { more } from '../../lib/deep/more'\nexport async function main(n: number) {\n  return { ...more(n), form: 'cjs' }\n}\n",
    "f/team/plain.script.yaml": META,
    "f/team/module.ts": "import { more } from '../../lib/deep/more'\nexport async function main(n: number) {\n  return { ...more(n), form: 'esm' }\n}\n",
    "f/team/module.script.yaml": META,
}


async def test_bundled_scripts_run_and_show_no_difference(server: Live, program: Path, tmp_path: Path) -> None:
    made = await server.client.post("/api/workspaces/create", json={"id": "bundled", "name": "Bundled"})
    assert made.status_code == 201
    wmill = Wmill(program, server.url, tmp_path, workspace="bundled")
    wmill.write(FILES)
    said = await wmill("sync", "push", "--yes")
    assert "changes pushed" in said, said
    for name, form in (("plain", "cjs"), ("module", "esm")):
        shown = (await server.client.get(f"/api/w/bundled/scripts/get/p/f/team/{name}")).json()
        assert (shown["content"], bool(shown["codebase"])) == (FILES[f"f/team/{name}.ts"], True)
        told = await wmill("script", "run", f"f/team/{name}", "-d", json.dumps({"n": 21}))
        for part in ("42", "a codebase", form):
            assert part in told, told
    told = await wmill("sync", "push", "--dry-run")
    assert NONE in told, told
    # what the scripts share has changed, and with it what runs
    (tmp_path / "lib/twice.ts").write_text("export const twice = (n: number): number => n * 2 + 1\n")
    assert "2 changes pushed" in await wmill("sync", "push", "--yes")
    assert "43" in await wmill("script", "run", "f/team/plain", "-d", json.dumps({"n": 21}))
    assert NONE in await wmill("sync", "push", "--dry-run")
