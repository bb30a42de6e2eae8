"""Scripts whose code a client has bundled into one JavaScript file, with what it imports: what is stored of that, and what runs. Pure.

Windmill's command line makes such a file of a script in a codebase (`codebases` of its settings). The script keeps its source, which
people read and schemas are made of; the bundle is what runs.
"""

from __future__ import annotations

from typing import Any

from flowapp.workspace.errors import BadRequest

LANGUAGES = frozenset(("bun", "bunnative", "nativets", "deno"))
MAX_BUNDLE = 10_000_000
CODEBASE = "codebase"
_ESM = ".esm"
# A bundle in CommonJS, as the command line makes it unless it is told otherwise, as a module: Bun and Deno both run these. It is in a
# function of its own, since it declares what it likes, `main` too.
_HEAD = (
    'import { createRequire as __createRequire } from "node:module"; const __bundled = { exports: {} }; '
    "(function (module, exports, require) { "
)
_TAIL = (
    "\n})(__bundled, __bundled.exports, __createRequire(import.meta.url)); "
    "export default __bundled.exports.default; export const main = __bundled.exports.main ?? __bundled.exports.default; "
    "export const preprocessor = __bundled.exports.preprocessor;\n"
)


def checked(language: str, codebase: Any, bundle: str) -> str:
    """The bundle as it is stored. `codebase` is the client's digest of what it was made of, which says its form.

    Raises:
        BadRequest: it is of a form that does not run here.
    """
    if language not in LANGUAGES:
        raise BadRequest(
            f"A bundle of a codebase is TypeScript, not {language}.", "Store the script by scripts/create."
        )
    if not isinstance(codebase, str) or not codebase:
        raise BadRequest("codebase is missing: the digest of what was bundled.", "Store the script by scripts/create.")
    if codebase.endswith(".tar"):
        raise BadRequest(
            "A bundle of several files is not supported.",
            "Take assets out of the codebase, or let the script fetch them.",
        )
    if not bundle.strip():
        raise BadRequest("The bundle is empty.", "Send the JavaScript as file.")
    if len(bundle) > MAX_BUNDLE or "\0" in bundle:
        raise BadRequest(f"A bundle is JavaScript of at most {MAX_BUNDLE // 1_000_000} MB.", "Let it import packages.")
    return bundle


def runnable(content: str, bundle: str | None, codebase: Any) -> str:
    """The code that runs: the bundle as a module, or the script itself where there is none."""
    if bundle is None:
        return content
    return bundle if isinstance(codebase, str) and codebase.endswith(_ESM) else f"{_HEAD}{bundle}{_TAIL}"
