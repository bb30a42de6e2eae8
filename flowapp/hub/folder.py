"""A folder of files as a hub: what a team keeps for itself, and the starter hub.

    <folder>/<version id>/<app>/<name>.<ending>       the code
    <folder>/<version id>/<app>/<name>.script.yaml    {summary, description, kind, schema, lock}; may be missing

The endings are those of Windmill's command line. The files are read when they are asked for, so that changing them needs no
restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flowapp.errors import FlowappError
from flowapp.hub.errors import HubError, HubUnusable
from flowapp.hub.scripts import HubEntry, HubPath, HubScript, Origin
from flowapp.jsontext import dumps
from flowapp.openflow import yamltext

MOST_BYTES = 2 << 20
ENDINGS: dict[str, str] = {
    ".py": "python3",
    ".deno.ts": "deno",
    ".bun.ts": "bun",
    ".fetch.ts": "nativets",
    ".ts": "deno",
    ".sh": "bash",
    ".go": "go",
    ".pg.sql": "postgresql",
    ".my.sql": "mysql",
    ".duckdb.sql": "duckdb",
    ".sqlite.sql": "sqlite",
    ".r": "rlang",
    ".ps1": "powershell",
    ".php": "php",
    ".rs": "rust",
    ".gql": "graphql",
}
"""Ending of a file → language. Longer ones are tried first."""
_ABOUT = ".script.yaml"
_BY_LENGTH = sorted(ENDINGS, key=len, reverse=True)


class FolderHub:
    """Scripts in a folder. `name` is what messages call it."""

    def __init__(self, folder: Path, name: str = "", origin: Origin = "folder") -> None:
        self._folder = folder
        self.origin: Origin = origin
        self.name = name or f"the folder {folder}"

    async def script(self, path: HubPath) -> HubScript | None:
        """The script at a path, None when it is not here.

        Raises:
            HubError: its file cannot be read.
            HubUnusable: what is beside its code is not YAML, or not an object.
        """
        return await asyncio.to_thread(self._read, path)

    async def entries(self) -> list[HubEntry]:
        """All scripts, by path. A file that cannot be read is left out.

        Raises:
            HubUnusable: there is no such folder.
        """
        return await asyncio.to_thread(lambda: list(self._entries()))

    def _read(self, path: HubPath) -> HubScript | None:
        folder = self._folder / path.version / path.app
        for ending in _BY_LENGTH:
            file = folder / f"{path.name}{ending}"
            if file.is_file():
                about = self._about(folder / f"{path.name}{_ABOUT}")
                schema = about.get("schema")
                return HubScript(
                    path=str(path),
                    version=path.version,
                    content=self._text(file),
                    language=ENDINGS[ending],
                    lock=_text_or_none(about.get("lock")),
                    schema=dumps(schema) if isinstance(schema, Mapping) else None,
                    summary=str(about.get("summary") or ""),
                    kind=str(about.get("kind") or "script"),
                    description=str(about.get("description") or ""),
                )
        return None

    def _entries(self) -> Iterator[HubEntry]:
        if not self._folder.is_dir():
            raise HubUnusable(f"{self.name} is not there.", "Make it, or correct FLOWAPP_HUB_DIR.")
        for file in sorted(self._folder.glob("*/*/*")):
            ending = next((each for each in _BY_LENGTH if file.name.endswith(each)), None)
            if ending is None or not file.is_file():
                continue
            name = file.name.removesuffix(ending)
            try:
                path = HubPath.parse(f"hub/{file.parent.parent.name}/{file.parent.name}/{name}")
                about = self._about(file.with_name(f"{name}{_ABOUT}"))
            except HubError:
                continue
            summary, kind = str(about.get("summary") or ""), str(about.get("kind") or "script")
            yield HubEntry(str(path), summary, kind, ENDINGS[ending])

    def _about(self, file: Path) -> Mapping[str, Any]:
        if not file.is_file():
            return {}
        try:
            value = yamltext.read(self._text(file))
        except FlowappError as error:
            raise HubUnusable(f"{file.name} of {self.name} is not YAML: {error.message}", "Correct the file.") from None
        if not isinstance(value, Mapping):
            raise HubUnusable(f"{file.name} of {self.name} does not hold an object.", "Correct the file.")
        return value

    def _text(self, file: Path) -> str:
        try:
            with file.open("rb") as opened:
                content = opened.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES:
                raise HubUnusable(f"{file.name} of {self.name} is longer than {MOST_BYTES >> 20} MB.", "Split it.")
            return content.decode("utf-8").removeprefix("\ufeff")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise HubError(f"{file.name} of {self.name} cannot be read: {reason}.", "Check the file.") from None


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
