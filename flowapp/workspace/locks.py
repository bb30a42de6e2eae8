"""Locks made when code is stored: the versions of its packages as they are now, for every later run.

Storing never fails of it: without a lock, the first run finds the packages, and says what is wrong with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowapp.access.identity import Identity
from flowapp.engine.libraries import libraries_of
from flowapp.engine.values import StoredScript
from flowapp.errors import FlowappError
from flowapp.openflow.walk import walk
from flowapp.workspace.context import Context
from flowapp.workspace.library import Library
from flowapp.workspace.local_scripts import local_script

#: how long storing may wait for registries, in seconds
PATIENCE_S = 20.0
NO_SCRIPTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Locked:
    """A lock, or why there is none. Both are empty where the code needs no packages."""

    lock: str | None = None
    problem: str = ""


class Locks:
    """Makes locks with the rights of whoever stores the code."""

    def __init__(self, context: Context, library: Library) -> None:
        self._runtimes = context.runtimes
        self._library = library

    async def script(
        self,
        identity: Identity,
        language: str,
        code: str,
        path: str,
        *,
        local: Mapping[str, str] = NO_SCRIPTS,
        patience_s: float = PATIENCE_S,
    ) -> Locked:
        """The lock of a script that is about to be stored at `path`; `local` is code that stands in for stored scripts."""
        try:
            async with asyncio.timeout(patience_s):
                libraries = await libraries_of(_OfIdentity(self._library, identity, local), language, code, path)
                sources = {script.path: script.code for script in libraries}
                return Locked(await self._runtimes.lock(language, code, sources, path))
        except TimeoutError:
            return Locked(problem=f"The packages could not be resolved within {patience_s:.0f} s.")
        except FlowappError as error:
            return Locked(problem=f"{error.message} {error.hint}".strip())

    async def flow(
        self,
        identity: Identity,
        flow: Mapping[str, Any],
        path: str,
        *,
        local: Mapping[str, str] = NO_SCRIPTS,
        patience_s: float = PATIENCE_S,
    ) -> list[str]:
        """Put a lock into each script of a document that has none. Answers what could not be locked, in words.

        The document is changed.
        """
        scripts = [(place.step_id, place.module["value"]) for place in walk(flow) if _wants_lock(place.module)]
        found = await asyncio.gather(
            *(
                self.script(
                    identity,
                    str(value.get("language")),
                    str(value.get("content") or ""),
                    path,
                    local=local,
                    patience_s=patience_s,
                )
                for _, value in scripts
            )
        )
        for (_, value), locked in zip(scripts, found, strict=True):
            if locked.lock is not None:
                value["lock"] = locked.lock
        return [f"{step}: {locked.problem}" for (step, _), locked in zip(scripts, found, strict=True) if locked.problem]


class _OfIdentity:
    """The stored scripts that a person may run, and what stands in for some of them."""

    def __init__(self, library: Library, identity: Identity, local: Mapping[str, str]) -> None:
        self._library = library
        self._identity = identity
        self._local = local

    async def script(self, path: str, hash: str | None) -> StoredScript:
        if path in self._local:
            return local_script(path, self._local[path])
        return await self._library.script_of(self._identity, path, hash)


def _wants_lock(module: Mapping[str, Any]) -> bool:
    value = module.get("value")
    return isinstance(value, dict) and value.get("type") == "rawscript" and value.get("lock") is None
