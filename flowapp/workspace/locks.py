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

#: how long storing may wait for registries, in seconds
PATIENCE_S = 20.0


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

    async def script(self, identity: Identity, language: str, code: str, path: str) -> Locked:
        """The lock of a script that is about to be stored at `path`."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                libraries = await libraries_of(_OfIdentity(self._library, identity), language, code, path)
                sources = {script.path: script.code for script in libraries}
                return Locked(await self._runtimes.lock(language, code, sources, path))
        except TimeoutError:
            return Locked(problem=f"The packages could not be resolved within {PATIENCE_S:.0f} s.")
        except FlowappError as error:
            return Locked(problem=f"{error.message} {error.hint}".strip())

    async def flow(self, identity: Identity, flow: Mapping[str, Any], path: str) -> list[str]:
        """Put a lock into each script of a document that has none. Answers what could not be locked, in words.

        The document is changed.
        """
        scripts = [(place.step_id, place.module["value"]) for place in walk(flow) if _wants_lock(place.module)]
        found = await asyncio.gather(
            *(
                self.script(identity, str(value.get("language")), str(value.get("content") or ""), path)
                for _, value in scripts
            )
        )
        for (_, value), locked in zip(scripts, found, strict=True):
            if locked.lock is not None:
                value["lock"] = locked.lock
        return [f"{step}: {locked.problem}" for (step, _), locked in zip(scripts, found, strict=True) if locked.problem]


class _OfIdentity:
    """The stored scripts that a person may run."""

    def __init__(self, library: Library, identity: Identity) -> None:
        self._library = library
        self._identity = identity

    async def script(self, path: str, hash: str | None) -> StoredScript:
        return await self._library.script_of(self._identity, path, hash)


def _wants_lock(module: Mapping[str, Any]) -> bool:
    value = module.get("value")
    return isinstance(value, dict) and value.get("type") == "rawscript" and value.get("lock") is None
