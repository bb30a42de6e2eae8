"""Scripts of the workspace that a Python or TypeScript script imports: looked up before it runs, with the rights of the run's person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from flowapp.engine.errors import INTERRUPTIONS, EngineError
from flowapp.engine.values import LibraryScript, StoredScript
from flowapp.errors import FlowappError
from flowapp.runtimes.packages import python_needs, typescript_scripts
from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.script_imports import ScriptImport

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
        language: of the code; only Python and TypeScript have such imports.
        code: the code.
        path: where it is stored, or the flow that it is a step of; relative imports start there.

    Raises:
        LibraryMissing: one of them cannot be had.
    """
    kin = _kin_of(language)
    if kin is None:
        return ()
    found: dict[str, LibraryScript] = {}
    waiting = [(code, path, "")]
    while waiting:
        text, base, inside = waiting.pop()
        for wanted in kin.imports(text, base):
            script = await _first(library, kin, wanted, found, inside)
            if script.path not in found:
                if len(found) >= MOST:
                    raise LibraryMissing(f"More than {MOST} scripts would be imported.")
                found[script.path] = script
                waiting.append((script.code, script.path, script.path))
    return tuple(found[name] for name in sorted(found))


def imports_of(language: str, code: str, path: str) -> Sequence[ScriptImport]:
    """The scripts that code names, without those that they import in turn; whether they are there is not asked."""
    kin = _kin_of(language)
    return () if kin is None else kin.imports(code, path)


@dataclass(frozen=True, slots=True)
class _Kin:
    """Languages that import each other's scripts, and what is imported by code that is stored somewhere."""

    label: str
    languages: frozenset[str]
    imports: Callable[[str, str], Sequence[ScriptImport]]


def _of_python(code: str, base: str) -> Sequence[ScriptImport]:
    try:
        return python_needs.needs_of(code, base).scripts
    except PackagesUnavailable:
        return ()  # what is wrong with its packages is said when it runs


_KINS = (
    _Kin("Python", frozenset(("python3",)), _of_python),
    _Kin("TypeScript", typescript_scripts.TYPESCRIPT, typescript_scripts.scripts_of),
)


def _kin_of(language: str) -> _Kin | None:
    return next((kin for kin in _KINS if language in kin.languages), None)


async def _first(
    library: Scripts, kin: _Kin, wanted: ScriptImport, known: dict[str, LibraryScript], inside: str
) -> LibraryScript:
    """The first of the candidates of an import that is there. `inside` is the imported script that has the import."""
    where = f"Line {wanted.line} of {inside}" if inside else f"Line {wanted.line}"
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
        if stored.language and stored.language not in kin.languages:
            raise LibraryMissing(
                f"{where} imports {path}, which is no {kin.label} script.", "Call it as a step of its own."
            )
        return LibraryScript(stored.path, stored.hash, stored.content)
    if not problems:
        raise LibraryMissing(
            f'{where} imports "{wanted.written}", which leads to no script of the workspace.',
            "Name it from the root, like /f/folder/script.",
        )
    if wanted.written:
        what, problem = f'"{wanted.written}"', problems[0]
    else:
        what, problem = f"the script {wanted.candidates[-1]}", problems[-1]
    raise LibraryMissing(f"{where} imports {what}: {problem.message}", "Store it, or correct the import.")
