"""What TypeScript code imports from npm, what remains written in it, locks, and the nearest version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.npm_locks import NpmLock, explained, pins_of
from flowapp.runtimes.packages.npm_needs import in_place, needs_of
from flowapp.runtimes.packages.npm_versions import nearest


@pytest.mark.parametrize(
    ("code", "packages", "written"),
    [
        ('import { z } from "zod";', {"zod": "latest"}, 'import { z } from "zod";'),
        (
            "import * as w from 'windmill-client@1.297.0'",
            {"windmill-client": "1.297.0"},
            "import * as w from 'windmill-client'",
        ),
        ('import "npm:zod@^3.1/v4/core"', {"zod": "^3.1"}, 'import "zod/v4/core"'),
        ('import "npm:/zod@3"', {"zod": "3"}, 'import "zod"'),
        ('import u from "dayjs@1.11.10/plugin/utc.js"', {"dayjs": "1.11.10"}, 'import u from "dayjs/plugin/utc.js"'),
        ('export * from "@scope/name@~1.2/x"', {"@scope/name": "~1.2"}, 'export * from "@scope/name/x"'),
        ('const a = await import("lodash@4");', {"lodash": "4"}, 'const a = await import("lodash");'),
        ("const a = require('lodash')", {"lodash": "latest"}, "const a = require('lodash')"),
        ('import type { T } from "typed"; import fs from "fs"; import "node:os"', {}, None),
        ('import "./x.ts"; import "/f/x"; import "https://a/b.ts"; import "jsr:@std/x"; import "bun:test"', {}, None),
        ('const text = "import x from \\"y\\""; // import "z"', {}, None),
        ("import(name)", {}, None),
        ('import "ä"; const ü = 1; import "zod@3"', {"zod": "3"}, 'import "ä"; const ü = 1; import "zod"'),
        ('import "zod"; import "zod@3"; import "zod/v4"', {"zod": "3"}, 'import "zod"; import "zod"; import "zod/v4"'),
    ],
)
def test_specifiers(code: str, packages: dict[str, str], written: str | None) -> None:
    found = needs_of(code)
    assert found.packages == packages
    assert found.code == (code.replace('"fs"', '"node:fs"') if written is None else written)


def test_lines_and_what_can_be_loaded_ahead() -> None:
    found = needs_of('\nimport a from "zod@3";\n\nimport b from "dayjs/x.js";\nimport p from "path";')
    assert found.lines == {"zod": 2, "dayjs": 4}
    assert found.modules == ("zod", "dayjs/x.js")
    assert found.code.count("\n") == 4


@pytest.mark.parametrize("code", ['import "zod@3";\nimport "zod@4";', '\nimport "zod@file:..";', '\nimport "zod@$x"'])
def test_what_cannot_be_is_refused_with_its_line(code: str) -> None:
    with pytest.raises(PackagesUnavailable) as caught:
        needs_of(code)
    assert caught.value.line == 2


def test_nothing_of_a_foreign_lock_but_versions_and_hashes_goes_on() -> None:
    given = {
        "version": "5",
        "specifiers": {"npm:zod@3": "3.1.0", "jsr:@a/b@1": "1.0.0", "npm:x": "1"},
        "npm": {"zod@3.1.0": {"integrity": "sha512-x", "tarball": "http://10.0.0.1/x"}},
        "remote": {"https://evil/x.ts": "abc"},
        "workspace": {"packageJson": {"dependencies": ["npm:y@1"]}},
    }
    found = NpmLock.read(json.dumps(given))
    assert found is not None
    assert found.wanted == {"zod": "3"}
    assert json.loads(found.text()) == {
        "version": "5",
        "specifiers": {"npm:zod@3": "3.1.0"},
        "npm": {"zod@3.1.0": {"integrity": "sha512-x"}},
    }
    assert NpmLock.read(found.text()) == found


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": "3", "packages": {}}', '{"dependencies": {}}\n//bun.lock\n{}']
)
def test_locks_of_another_kind_are_none(text: str) -> None:
    assert NpmLock.read(text) is None


def test_a_lock_fits_what_it_was_made_for() -> None:
    lock = NpmLock({"npm:zod@3": "3.1.0", "npm:w@1.3.0": "1.3.0"}, {}, {"w": "1.2.0"})
    assert lock.fits({"zod": "3"}) and lock.fits({"zod": "3", "w": "1.2.0"}) and lock.fits({})
    assert (
        not lock.fits({"zod": "4"}) and not lock.fits({"zod": "3", "new": "latest"}) and not lock.fits({"w": "1.1.0"})
    )


def test_a_kept_lock_says_which_versions_it_has_instead_of_those_asked_for() -> None:
    specifiers = {"npm:zod@3": "3.1.0", "npm:w@1.3.0": "1.3.0", "npm:x@2.0.0": "2.0.0"}
    kept = NpmLock.read(NpmLock(specifiers, {}, {"w": "1.2.0", "x": "1.9.9"}).text())
    assert kept is not None
    both = "w 1.2.0 is not in the registry: 1.3.0 is taken, the nearest that is. x 1.9.9 is not in the registry: 2.0.0 is taken, the nearest that is."
    assert kept.replaced({"zod": "3", "w": "1.2.0", "x": "latest"}) == both
    assert kept.replaced({"zod": "3", "w": "1.3.0"}) == ""  # the one that it has was asked for
    forged = NpmLock.read(
        '{"version": "5", "specifiers": {"npm:w@1.3.0": "1"}, "npm": {}, "asked": {"w": {}, "v": "1"}}'
    )
    assert forged is not None
    assert forged.replaced({"w": "latest", "v": "1"}) == ""


def test_versions_of_a_lock_of_bun_count() -> None:
    text = '{\n "dependencies": {"zod": "^3", "left": "latest"}\n}\n//bun.lock\n{\n  "packages": {\n    "zod": ["zod@3.2.1", "", {}, "sha512-x"],\n  }\n}'
    assert pins_of(text) == {"zod": "3.2.1", "left": "latest"}
    assert pins_of("{}") == pins_of("x//bun.lock\n") == {}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1.2.0", "1.3.0"),
        ("1.9.0", "1.4.1"),
        ("2.0.0", "3.0.0"),
        ("4.0.0", "3.0.0"),
        ("0.1.0", "1.3.0"),
        ("^1", None),
        ("x", None),
    ],
)
def test_the_nearest_version(tmp_path: Path, wanted: str, found: str | None) -> None:
    place = tmp_path / "npm/registry.test/path/@a/b"
    place.mkdir(parents=True)
    versions = ["1.3.0", "1.4.1", "1.4.0", "3.0.0", "2.0.0-beta.1"]
    (place / "registry.json").write_text(json.dumps({"versions": {version: {} for version in versions}}))
    assert nearest(tmp_path, "@a/b", wanted) == found
    assert nearest(tmp_path, "other", wanted) is None


@pytest.mark.parametrize(
    ("said", "words", "line"),
    [
        ("Download x\nerror: npm package 'no-zz' does not exist.\n\nStack backtrace:\n 0: x", "no package no-zz", 4),
        ("error: Could not find npm package 'no-zz' matching '^99'.", "no no-zz that fits ^99", 4),
        (
            'error: Failed loading https://me:pw@host/x for package "x"\nCaused by:\n error sending request',
            "cannot be reached",
            None,
        ),
        ("error: Integrity check failed", "cannot be installed: Integrity check failed", None),
    ],
)
def test_what_deno_says_becomes_an_error_for_people(said: str, words: str, line: int | None) -> None:
    found = explained(said, {"no-zz": "1"}, {"no-zz": 4})
    assert words in found.message
    assert found.line == line
    assert "pw" not in found.message and "backtrace" not in found.message


def test_code_that_is_only_read_keeps_its_places() -> None:
    code = "import { z } from 'npm:zod@3.23.8/v4'; const ä = 1;\nimport fs from \"fs\";\nimport a from \"@a/b\";\nimport './x.ts'; z.\n"
    found = in_place(code)
    assert found == (
        "import { z } from 'zod/v4'           ; const ä = 1;\nimport fs from \"fs\";\nimport a from \"@a/b\";\nimport './x.ts'; z.\n"
    )
    assert len(found) == len(code)
