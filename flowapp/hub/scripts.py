"""What a hub holds: scripts at `hub/<version id>/<app>/<name>`. The id alone says which; a version never changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from flowapp.hub.errors import HubPathInvalid
from flowapp.jsontext import JsonText

#: Where a hub is: in Flowapp itself, in a folder of this server, at an address.
Origin: TypeAlias = Literal["starter", "folder", "http"]

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,119}"
_PATH = re.compile(rf"hub/([0-9]{{1,15}})/({_PART})/({_PART})")


@dataclass(frozen=True, slots=True)
class HubPath:
    """A path taken apart. Its parts are safe as names of files and in addresses."""

    version: str
    app: str
    name: str

    @classmethod
    def parse(cls, text: str) -> HubPath:
        """The parts of a path.

        Raises:
            HubPathInvalid: it has another form.
        """
        found = _PATH.fullmatch(text)
        if found is None:
            raise HubPathInvalid(
                f"{text[:120]!r} is not the path of a script of a hub.", "It looks like hub/<number>/<app>/<name>."
            )
        return cls(found[1], found[2], found[3])

    def __str__(self) -> str:
        """As flows write it."""
        return f"hub/{self.version}/{self.app}/{self.name}"


@dataclass(frozen=True, slots=True)
class HubScript:
    """A script. `schema` is JSON text; `lock` are its dependencies, where the hub knows them."""

    path: str
    version: str
    content: str
    language: str
    lock: str | None = None
    schema: JsonText | None = None
    summary: str = ""
    kind: str = "script"
    description: str = ""


@dataclass(frozen=True, slots=True)
class HubEntry:
    """A script in a list. `language` is empty where the list does not tell it."""

    path: str
    summary: str
    kind: str = "script"
    language: str = ""

    @property
    def app(self) -> str:
        """What it is for: `slack`, `postgres`, …"""
        return HubPath.parse(self.path).app

    @property
    def name(self) -> str:
        """The last part of the path."""
        return HubPath.parse(self.path).name

    @property
    def version(self) -> str:
        """The id of the version."""
        return HubPath.parse(self.path).version


def slug(title: str) -> str:
    """The name that a hub's script has in paths: its summary in small letters, with _ between the words."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:100] or "script"
