"""Scripts that TypeScript imports: which paths are meant, where their files are, what all need together."""

from __future__ import annotations

import pytest

from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.typescript_scripts import needs_with_scripts, scripts_of


@pytest.mark.parametrize(
    ("specifier", "base", "candidates"),
    [
        ("/f/lib/a", "", ("f/lib/a",)),
        ("/f/lib/a.ts", "f/x/y", ("f/lib/a", "f/lib/a.ts")),
        ("/u/me/deep/a", "", ("u/me/deep/a",)),
        ("./a.ts", "f/lib/b", ("f/lib/a", "f/lib/a.ts")),
        ("../x/a", "f/lib/b", ("f/x/a",)),
        ("./deep/../a", "u/me/b", ("u/me/a",)),
        ("../../u/me/a", "f/lib/b", ("u/me/a",)),
        ("../../etc/a", "f/lib/b", ()),
        ("../../../f/lib/a", "f/lib/b", ()),
        ("..", "f/lib/b", ()),
        ("./a", "", ()),
    ],
)
def test_what_a_specifier_means(specifier: str, base: str, candidates: tuple[str, ...]) -> None:
    (found,) = scripts_of(f'\nimport {{ a }} from "{specifier}";', base)
    assert (found.candidates, found.line, found.written) == (candidates, 2, specifier)


@pytest.mark.parametrize("specifier", ["f/lib/a", "/etc/a.ts", "/fx/a", "npm:zod", "zod/a", "file:///f/lib/a", ".a"])
def test_what_names_no_script(specifier: str) -> None:
    assert scripts_of(f'import {{ a }} from "{specifier}";', "f/lib/b") == ()


def test_each_file_finds_the_others() -> None:
    libraries = {
        "f/lib/a": "export * from './deep/b.ts'; import 'zod@3.23.8';",
        "f/lib/deep/b": 'import "../a"; import "/u/me/c.ts"; import "zod"; import "dayjs/x.js";',
        "u/me/c": "import '/f/lib/a';",
    }
    found = needs_with_scripts(
        "import { z } from 'zod'; import './a'; import x from '/u/me/c';", libraries, "f/lib/flow"
    )
    assert (
        found.needs.code
        == "import { z } from 'zod'; import './.scripts/f/lib/a.ts'; import x from './.scripts/u/me/c.ts';"
    )
    assert found.files == {
        ".scripts/f/lib/a.ts": "export * from './deep/b.ts'; import 'zod';",
        ".scripts/f/lib/deep/b.ts": 'import "../a.ts"; import "../../../u/me/c.ts"; import "zod"; import "dayjs/x.js";',
        ".scripts/u/me/c.ts": "import '../../f/lib/a.ts';",
    }
    assert found.needs.packages == {"zod": "3.23.8", "dayjs": "latest"}
    assert found.needs.modules == ("zod", "dayjs/x.js")


@pytest.mark.parametrize(
    ("code", "library", "message"),
    [
        ('import "zod@4";', 'import "zod@3";', "f/lib/a imports zod in version 3, this cell or another script 4."),
        (
            "",
            '\nimport "zod@3"; import "zod@4";',
            "In f/lib/a (line 2): This cell imports zod in two versions, 3 and 4.",
        ),
    ],
)
def test_two_versions_are_refused(code: str, library: str, message: str) -> None:
    with pytest.raises(PackagesUnavailable) as caught:
        needs_with_scripts(f'import "/f/lib/a";{code}', {"f/lib/a": library})
    assert (caught.value.message, caught.value.line) == (message, None)
