"""Scripts of the workspace that TypeScript imports, and what a job of several scripts needs together.

`/f/folder/script`, `./script` and `../folder/script` name scripts, with `.ts` or without. In the job's folder they are files
below `.scripts`, beside the cell; each import becomes the relative way from one file to the other, which is all that Deno
and Bun need to know.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.npm_needs import ANY, NpmNeeds, needs_of, specifiers
from flowapp.runtimes.packages.script_imports import ROOTS, ScriptImport

TYPESCRIPT = frozenset(("deno", "bun", "nativets", "bunnative"))
#: beside the cell; typescript_wrapper.ts knows it too
FOLDER = ".scripts"
_ENDING = ".ts"


@dataclass(frozen=True, slots=True)
class TypeScriptNeeds:
    """The packages of a cell and of the scripts that it imports, its code to run (`needs.code`), and theirs by file name."""

    needs: NpmNeeds
    files: Mapping[str, str]


@lru_cache(maxsize=512)
def scripts_of(code: str, base: str = "") -> tuple[ScriptImport, ...]:
    """The scripts that code imports. `base` is where it is stored, or the flow that it is a step of."""
    found = ((one, _candidates(one.text, base)) for one in specifiers(code))
    return tuple(ScriptImport(paths, one.line, one.text) for one, paths in found if paths is not None)


def _candidates(text: str, base: str) -> tuple[str, ...] | None:
    """The paths that a specifier may mean, none where it leads out of the workspace; None where it names no script."""
    if text.startswith(tuple(f"/{root}/" for root in ROOTS)):
        path = posixpath.normpath(text[1:])
    elif text in (".", "..") or text.startswith(("./", "../")):
        # without a path of its own, code is beside nothing
        path = posixpath.normpath(posixpath.join(posixpath.dirname(base), text)) if base else ""
    else:
        return None
    if not path.startswith(tuple(f"{root}/" for root in ROOTS)):
        return ()
    return (path.removesuffix(_ENDING), path) if path.endswith(_ENDING) else (path,)


def needs_with_scripts(code: str, libraries: Mapping[str, str], base: str = "") -> TypeScriptNeeds:
    """What code and the scripts that it imports (code by path, complete) need together.

    Raises:
        PackagesUnavailable: they ask for two versions of one package, or for one that is no version.
    """
    own = needs_of(code, _ways(code, base, "", libraries))
    others = {path: _of_library(path, text, libraries) for path, text in sorted(libraries.items())}
    if not others:
        return TypeScriptNeeds(own, {})
    packages = dict(own.packages)
    for path, needs in others.items():
        _add(packages, needs.packages, path)
    modules = dict.fromkeys(name for needs in (own, *others.values()) for name in needs.modules)
    files = {_file(path): needs.code for path, needs in others.items()}
    return TypeScriptNeeds(NpmNeeds(packages, own.lines, own.code, tuple(modules)), files)


def _of_library(path: str, code: str, libraries: Mapping[str, str]) -> NpmNeeds:
    try:
        return needs_of(code, _ways(code, path, path, libraries))
    except PackagesUnavailable as error:
        where = f" (line {error.line})" if error.line else ""
        raise PackagesUnavailable(f"In {path}{where}: {error.message}", error.hint) from error


def _add(packages: dict[str, str], more: Mapping[str, str], path: str) -> None:
    """Add what an imported script asks for; a version wins over none."""
    for name, version in more.items():
        known = packages.get(name, ANY)
        if ANY not in (known, version) and known != version:
            raise PackagesUnavailable(
                f"{path} imports {name} in version {version}, this cell or another script {known}.",
                "One cell has one version of a package: use one of them.",
            )
        packages[name] = version if known == ANY else known


def _ways(code: str, base: str, place: str, libraries: Mapping[str, str]) -> dict[str, str]:
    """What to write for each import of a script, in code that is stored at `place` in the folder; empty: in the cell."""
    start = posixpath.dirname(_file(place)) if place else ""
    found: dict[str, str] = {}
    for wanted in scripts_of(code, base):
        path = next((path for path in wanted.candidates if path in libraries), None)
        if path is not None:
            way = posixpath.relpath(f"/{_file(path)}", f"/{start}")
            found[wanted.written] = way if way.startswith("../") else f"./{way}"
    return found


def _file(path: str) -> str:
    return f"{FOLDER}/{path}{_ENDING}"
