"""Scripts that a script imports: found with the library's rights, transitively, once each."""

from __future__ import annotations

import pytest

from flowapp.engine.libraries import LibraryMissing, libraries_of
from flowapp.engine.values import StoredScript
from flowapp.errors import FlowappError


class Shelf:
    """Stored scripts by path; `asked` are the look-ups."""

    def __init__(self, language: str = "python3", **scripts: str) -> None:
        self.scripts = {name.replace("__", "/"): code for name, code in scripts.items()}
        self.language = language
        self.asked: list[str] = []

    async def script(self, path: str, hash: str | None) -> StoredScript:
        self.asked.append(path)
        if path not in self.scripts:
            raise FlowappError(f"There is no script at {path}.")
        return StoredScript(path, f"hash of {path}", self.scripts[path], self.language)


async def test_transitively_and_through_cycles() -> None:
    shelf = Shelf(
        f__lib__a="from .b import x\nfrom f.lib import c",
        f__lib__b="import f.lib.a\nimport requests",
        f__lib__c="import u.me.d",
        u__me__d="from f.lib.a import y",
    )
    found = await libraries_of(shelf, "python3", "from f.lib.a import x, z\nimport json", "")
    assert [script.path for script in found] == ["f/lib/a", "f/lib/b", "f/lib/c", "u/me/d"]
    assert found[0].hash == "hash of f/lib/a"
    assert sorted(path for path in shelf.asked if path in shelf.scripts) == ["f/lib/a", "f/lib/b", "f/lib/c", "u/me/d"]


async def test_relative_to_where_the_code_is_stored() -> None:
    shelf = Shelf(f__lib__b="x = 1")
    assert [s.path for s in await libraries_of(shelf, "python3", "from .b import x", "f/lib/flow")] == ["f/lib/b"]
    assert await libraries_of(shelf, "python3", "from .b import x", "") == ()


async def test_other_languages_and_other_code_ask_nobody() -> None:
    shelf = Shelf()
    assert await libraries_of(shelf, "bash", "import f.lib.a", "") == ()
    assert await libraries_of(shelf, "python3", "import requests", "f/lib/x") == ()
    assert shelf.asked == []


async def test_one_that_is_not_there() -> None:
    with pytest.raises(LibraryMissing) as caught:
        await libraries_of(Shelf(), "python3", "import json\nfrom f.lib.a import x", "")
    assert caught.value.message == "Line 2 imports the script f/lib/a/x: There is no script at f/lib/a/x."


async def test_one_of_another_language() -> None:
    with pytest.raises(LibraryMissing, match="f/lib/a, which is no Python script"):
        await libraries_of(Shelf("deno", f__lib__a="x"), "python3", "from f.lib.a import x", "")


async def test_one_that_an_imported_script_imports_names_that_script() -> None:
    with pytest.raises(LibraryMissing) as caught:
        await libraries_of(Shelf(f__lib__a="\nimport f.lib.b"), "python3", "import f.lib.a", "")
    assert caught.value.message == "Line 2 of f/lib/a imports the script f/lib/b: There is no script at f/lib/b."


async def test_wrong_requirements_wait_until_it_runs() -> None:
    code = "# requirements:\n# requests @ https://example.com/x.whl\nimport f.lib.a"
    assert await libraries_of(Shelf(f__lib__a="x"), "python3", code, "") == ()


async def test_typescript_from_the_root_and_from_beside() -> None:
    shelf = Shelf(
        "bun",
        f__lib__a="import './b.ts'; export * from '../deep/c'; import type { T } from './types';",
        f__lib__b="import { x } from '/f/lib/a'; import { z } from 'zod';",
        f__deep__c="const d = await import('/u/me/d.ts');",
        u__me__d="export const d = 1;",
    )
    found = await libraries_of(shelf, "deno", 'import { x } from "/f/lib/a.ts";', "")
    assert [script.path for script in found] == ["f/deep/c", "f/lib/a", "f/lib/b", "u/me/d"]
    relative = await libraries_of(shelf, "nativets", 'import "../deep/c";', "f/lib/flow")
    assert [script.path for script in relative] == ["f/deep/c", "u/me/d"]


@pytest.mark.parametrize(
    ("code", "path", "message"),
    [
        ('\nimport "./x.ts";', "f/a/b", 'Line 2 imports "./x.ts": There is no script at f/a/x.'),
        ('import "/f/a/x";', "", 'Line 1 imports "/f/a/x": There is no script at f/a/x.'),
        ('import "./x";', "", 'Line 1 imports "./x", which leads to no script of the workspace.'),
        ('import "../../../x";', "f/a/b", 'Line 1 imports "../../../x", which leads to no script of the workspace.'),
        ('import "/f/../../x";', "", 'Line 1 imports "/f/../../x", which leads to no script of the workspace.'),
        ('import "/f/lib/a";', "", "Line 1 imports f/lib/a, which is no TypeScript script."),
    ],
)
async def test_typescript_that_cannot_be_had(code: str, path: str, message: str) -> None:
    with pytest.raises(LibraryMissing) as caught:
        await libraries_of(Shelf(f__lib__a="x"), "deno", code, path)
    assert caught.value.message == message
