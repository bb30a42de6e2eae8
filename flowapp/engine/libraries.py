"""Scripts of the workspace that a Python script imports: looked up before it runs, with the rights of the run's person."""

from __future__ import annotations

from typing import Protocol

from flowapp.engine.errors import INTERRUPTIONS, EngineError
from flowapp.engine.values import LibraryScript, StoredScript
from flowapp.errors import FlowappError
from flowapp.runtimes.packages.python_needs import ScriptImport, needs_of

MOST = 200


class Scripts(Protocol):
    """Where stored scripts are found, with somebody's rights."""

    async def script(self, path: str, hash: str | None) -> StoredScript:
        """See `ports.Library.script`."""


class LibraryMissing(EngineError):
    """A script imports another one that is not there, may not be read, or is in another language."""

    code = "engine.library_missing"
    status = 404


async def libraries_of(library: Scripts, language: str, code: str, path: str) -> tuple[LibraryScript, ...]:
    """Every script that code imports, and those that they import in turn, each once, sorted by path.

    Args:
        library: where stored scripts are found.
        language: of the code; only Python has such imports.
        code: the code.
        path: where it is stored, or the flow that it is a step of; relative imports start there.

    Raises:
        LibraryMissing: one of them cannot be had.
    """
    found: dict[str, LibraryScript] = {}
    waiting = [(code, path)] if language == "python3" else []
    while waiting:
        text, base = waiting.pop()
        for wanted in needs_of(text, base).scripts:
            script = await _first(library, wanted, found)
            if script.path not in found:
                if len(found) >= MOST:
                    raise LibraryMissing(f"More than {MOST} scripts would be imported.")
                found[script.path] = script
                waiting.append((script.code, script.path))
    return tuple(found[name] for name in sorted(found))


async def _first(library: Scripts, wanted: ScriptImport, known: dict[str, LibraryScript]) -> LibraryScript:
    """The first of the candidates of an import that is there."""
    problems = []
    for path in wanted.candidates:
        if path in known:
            return known[path]
        try:
            stored = await library.script(path, None)
        except INTERRUPTIONS:
            raise
        except FlowappError as error:
            problems.append(error)
            continue
        if stored.language != "python3":
            raise LibraryMissing(
                f"Line {wanted.line} imports {path}, which is no Python script.", "Call it as a step of its own."
            )
        return LibraryScript(stored.path, stored.hash, stored.content)
    what = wanted.candidates[-1]
    reason = problems[-1].message if problems else "There is no such script."
    raise LibraryMissing(f"Line {wanted.line} imports the script {what}: {reason}", "Store it, or correct the import.")
