"""Scripts of the workspace as modules: `from f.folder.script import x`. Their code came with the job; nothing is fetched."""

from __future__ import annotations

import importlib.machinery
import linecache
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, cast


class Libraries:
    """Finds and loads the scripts of one job. `sources` is their code by path.

    A finder and loader without their abstract classes, whose module imports libraries that each fork would pay for.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = {path.replace("/", "."): (f"{path}.py", code) for path, code in sources.items()}
        self._folders = {
            ".".join(parts[:count])
            for parts in (name.split(".") for name in self._sources)
            for count in range(1, len(parts))
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The script of that name, or a folder on the way to one."""
        is_folder = name in self._folders
        if name in self._sources:
            return importlib.machinery.ModuleSpec(
                name, cast(Any, self), origin=self._sources[name][0], is_package=is_folder
            )
        return importlib.machinery.ModuleSpec(name, None, is_package=True) if is_folder else None

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        """The usual kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the script's code in its module."""
        file, code = self._sources[module.__name__]
        module.__file__ = file
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        exec(compile(code, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  # the purpose of this file


def use(sources: Mapping[str, str]) -> None:
    """Make the scripts importable."""
    if sources:
        sys.meta_path.insert(0, Libraries(sources))


def package_of(path: str) -> str:
    """The module name from which relative imports of a script at `path` start."""
    return ".".join(path.split("/")[:-1])
