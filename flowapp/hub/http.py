"""A hub over HTTP, as Windmill's answers: `/raw2/<version id>` for a script, `/searchData` for all of them.

A version never changes, so each is fetched once and kept in a folder; from then on it needs no hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from flowapp.hub.errors import HubError, HubScriptMissing, HubUnreachable, HubUnusable
from flowapp.hub.scripts import HubEntry, HubPath, HubScript, Origin, slug
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.net import AddressPolicy, NetError, open_client

TIMEOUT_S = 10.0
MOST_BYTES = 8 << 20
LIST_KEPT_S = 600.0
LIST_FAILED_S = 30.0


class HttpHub:
    """A hub at an address that an administrator has set. Close it with `close`."""

    origin: Origin = "http"

    def __init__(self, address: str, cache: Path, policy: AddressPolicy | None = None) -> None:
        """`address`: of the hub, such as https://hub.example.org. `cache`: the folder to keep scripts in.

        Raises:
            PolicyInvalid: the address is no http(s) address.
        """
        self.address = address.rstrip("/")
        self.name = f"the hub {self.address}"
        self._policy = (policy or AddressPolicy()).allowing_url(self.address)
        # two hubs may give the same id to different scripts
        self._cache = cache / hashlib.sha256(self.address.encode()).hexdigest()[:16]
        self._client: httpx2.AsyncClient | None = None
        self._listed: tuple[float, list[HubEntry]] | None = None
        self._failed: tuple[float, HubError] | None = None
        self._fetching: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def script(self, path: HubPath) -> HubScript:
        """The script of a version, from the folder or from the hub.

        Raises:
            HubScriptMissing: the hub has no such version.
            HubUnreachable: it was not fetched before, and the hub does not answer.
            HubUnusable: the hub answers something else.
        """
        lock = self._fetching.setdefault(path.version, asyncio.Lock())
        try:
            async with lock:
                kept = await asyncio.to_thread(self._kept, path)
                if kept is not None:
                    return kept
                answer = await self._get(f"/raw2/{path.version}", str(path))
                script = _script(path, answer, self.name)
                await asyncio.to_thread(self._keep, path, answer)
                return script
        finally:
            if not lock.locked():
                self._fetching.pop(path.version, None)

    async def entries(self) -> list[HubEntry]:
        """All approved scripts of the hub; kept for some minutes, and so is a failure, for some seconds.

        Raises:
            HubUnreachable, HubUnusable: the hub cannot say.
        """
        said = self.said()
        if isinstance(said, HubError):
            raise said
        if said is not None:
            return said
        try:
            found = _entries(await self._get("/searchData?approved=true", "its list of scripts"))
        except HubError as error:
            self._failed = (time.monotonic() + LIST_FAILED_S, error)
            raise
        self._listed = (time.monotonic() + LIST_KEPT_S, found)
        return found

    def said(self) -> list[HubEntry] | HubError | None:
        """What it listed, or why it did not, if that was said a moment ago; None where it has to be asked."""
        if self._listed is not None and self._listed[0] > time.monotonic():
            return self._listed[1]
        if self._failed is not None and self._failed[0] > time.monotonic():
            return self._failed[1]
        return None

    def forget_failure(self) -> None:
        """Ask for the list again, though it failed a moment ago."""
        self._failed = None

    async def _get(self, address: str, what: str) -> Any:
        if self._client is None:
            self._client = open_client(self._policy, timeout_s=TIMEOUT_S, max_bytes=MOST_BYTES, follow_redirects=True)
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                answer = await self._client.get(f"{self.address}{address}", headers={"Accept": "application/json"})
        except (httpx2.HTTPError, httpx2.InvalidURL, NetError, TimeoutError) as error:
            reason = error.message if isinstance(error, NetError) else str(error) or type(error).__name__
            raise HubUnreachable(
                f"{self.name} does not answer, and {what} was not fetched before: {reason}",
                "Try again later. What was fetched once needs no hub.",
            ) from None
        if answer.status_code == 404:
            raise HubScriptMissing(f"{self.name} has no {what}.", "Was the path copied whole?")
        if answer.status_code != 200:
            raise HubUnreachable(
                f"{self.name} answered {answer.status_code} when asked for {what}, which was not fetched before.",
                "Try again later.",
            )
        try:
            return json.loads(answer.text)
        except (ValueError, RecursionError):
            raise HubUnusable(
                f"{self.name} did not answer JSON when asked for {what}.", "Is the address right?"
            ) from None

    def _kept(self, path: HubPath) -> HubScript | None:
        try:
            return _script(path, loads((self._cache / f"{path.version}.json").read_text("utf-8")), self.name)
        except (OSError, ValueError, HubUnusable):
            return None  # not there, or half-written by a machine that lost its power: fetched (again)

    def _keep(self, path: HubPath, answer: Any) -> None:
        """Keep what the hub answered. A folder that cannot be written to costs a request each time, no more."""
        with contextlib.suppress(OSError):
            self._cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            number, name = tempfile.mkstemp(dir=self._cache, prefix=".", suffix=".part")
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(dumps(answer))
            os.replace(name, self._cache / f"{path.version}.json")


def _script(path: HubPath, answer: Any, hub: str) -> HubScript:
    content = answer.get("content") if isinstance(answer, Mapping) else None
    language = answer.get("language") if isinstance(answer, Mapping) else None
    if not isinstance(content, str) or not isinstance(language, str) or not language:
        raise HubUnusable(f"What {hub} answered for {path} is no script.", "Is the address right?")
    lock = answer.get("lockfile") or answer.get("lock")
    return HubScript(
        path=str(path),
        version=path.version,
        content=content,
        language=language,
        lock=lock if isinstance(lock, str) else None,
        schema=_schema(answer.get("schema")),
        summary=str(answer.get("summary") or ""),
        kind=str(answer.get("kind") or "script"),
        description=str(answer.get("description") or ""),
    )


def _schema(value: Any) -> JsonText | None:
    """Hubs send schemas as objects or as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return dumps(value) if isinstance(value, Mapping) else None


def _entries(answer: Any) -> list[HubEntry]:
    """What a list says; entries of another form are left out."""
    asks = answer.get("asks") if isinstance(answer, Mapping) else None
    found: list[HubEntry] = []
    for ask in asks if isinstance(asks, list) else []:
        if not isinstance(ask, Mapping):
            continue
        version = ask.get("version_id") or ask.get("id")
        summary = str(ask.get("summary") or "")
        with contextlib.suppress(HubError):
            path = HubPath.parse(f"hub/{version}/{ask.get('app')}/{slug(summary)}")
            kind, language = str(ask.get("kind") or "script"), str(ask.get("language") or "")
            found.append(HubEntry(str(path), summary, kind, language))
    return found
