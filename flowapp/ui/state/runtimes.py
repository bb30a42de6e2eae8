"""What runs cells on this server: languages, isolation, warm processes, and the packages that are installed for cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.languages import LANGUAGES, by_name
from flowapp.ui import services
from flowapp.ui.state.page import PageState

_UNITS = ("bytes", "KB", "MB", "GB", "TB")
#: Languages whose processes are kept ready have a pool of this name, or share one.
_POOLS = {"python3": "script", "bash": "script", "php": "program", "rlang": "program", "go": "program"}
#: Whose version it is, where that is not the language's own.
_RUNNERS = {
    "deno": "Deno",
    "bun": "Bun",
    "nativets": "Bun",
    "bunnative": "Bun",
    "postgresql": "psycopg",
    "mysql": "PyMySQL",
    "mssql": "python-tds",
    "bigquery": "google-cloud-bigquery",
    "snowflake": "snowflake-connector-python",
    "oracledb": "python-oracledb",
}


@dataclasses.dataclass
class LanguageLine:
    """One language. `state`: ready, later (fetched by its first cell), missing (can be had), none (nothing here runs it)."""

    name: str
    label: str
    state: str
    note: str


@dataclasses.dataclass
class PackagesLine:
    """What one lock needs."""

    language: str
    packages: str
    size: str
    used_at: str


class RuntimesState(PageState, rx.State):
    """The page Runtimes. `mine`: the person runs the installation, and sees and clears packages."""

    loaded: bool = False
    languages: rx.Field[list[LanguageLine]] = rx.field(default_factory=list)
    isolation: str = ""
    held: rx.Field[list[str]] = rx.field(default_factory=list)
    lacking: rx.Field[list[str]] = rx.field(default_factory=list)
    notes: rx.Field[list[str]] = rx.field(default_factory=list)
    mine: bool = False
    packages: rx.Field[list[PackagesLine]] = rx.field(default_factory=list)
    sizes: str = ""
    anything: bool = False

    @rx.event
    async def load(self) -> Any:
        """Read it all."""
        return await self._as_person(self._read)

    @rx.event
    async def clear(self) -> Any:
        """Remove the packages and built programs that no job uses."""

        async def work(_: Identity) -> None:
            self._show(await services.workspace().packages.clear(await self._person()))

        return await self._as_person(work)

    async def _read(self, _: Identity) -> None:
        facts = services.workspace().runtimes.describe()
        isolation = facts["isolation"]
        self.isolation = str(isolation["label"])
        mechanisms: Mapping[str, bool] = isolation["mechanisms"]
        self.held = [name for name, on in mechanisms.items() if on]
        self.lacking = [name for name, on in mechanisms.items() if not on]
        self.notes = [str(note) for note in isolation["notes"]]
        self.languages = language_lines(facts)
        try:
            self._show(await services.workspace().packages.show(await self._person()))
            self.mine = True
        except NotAllowed:
            self.mine, self.packages, self.sizes = False, [], ""
        self.loaded = True

    def _show(self, facts: Mapping[str, Any]) -> None:
        self.packages = [packages_line(folder) for folder in facts["folders"]]
        self.sizes = sizes_of(facts)
        self.anything = bool(facts["folders"] or facts["cache_bytes"] or any(one["programs"] for one in facts["built"]))


def language_lines(facts: Mapping[str, Any]) -> list[LanguageLine]:
    """All languages that OpenFlow knows: those that run here first, those that nothing here runs last."""
    order = ("ready", "later", "missing", "none")
    lines = [_language_line(language, facts) for language in LANGUAGES]
    return sorted(lines, key=lambda line: order.index(line.state))


def _language_line(language: Any, facts: Mapping[str, Any]) -> LanguageLine:
    known: Mapping[str, Any] | None = facts["languages"].get(language.name)
    if known is None or not language.runnable:
        return LanguageLine(language.name, language.label, "none", language.why_not)
    note = str(known.get("note") or "")
    if not known["available"]:
        later = "fetched when" in note
        return LanguageLine(language.name, language.label, "later" if later else "missing", note)
    runner = _RUNNERS.get(language.name, language.label)
    facts_in_words = [f"{runner} {known['version']}"] if known.get("version") else []
    pool = facts["pools"].get(_POOLS.get(language.name, language.name))
    if pool and pool["target"]:
        facts_in_words.append(f"{pool['idle']} of {pool['target']} processes ready")
    # A note is a sentence of its own.
    said = ". ".join(part for part in (", ".join(facts_in_words), note) if part)
    return LanguageLine(language.name, language.label, "ready", said)


def packages_line(folder: Mapping[str, Any]) -> PackagesLine:
    """A folder of `workspace.packages.show` as a line."""
    packages = folder.get("packages") or []
    return PackagesLine(
        language=str(folder.get("language") or ""),
        packages=", ".join(str(one) for one in packages),
        size=bytes_text(int(folder["bytes"])),
        used_at=str(folder.get("used_at") or ""),
    )


def sizes_of(facts: Mapping[str, Any]) -> str:
    """How much there is, and may be, in one line."""
    used, cache, limit = (int(facts[name]) for name in ("bytes", "cache_bytes", "limit_bytes"))
    parts = [f"{bytes_text(used)} installed of at most {bytes_text(limit)}", f"{bytes_text(cache)} of downloads"]
    return ", ".join([*parts, *(_built_text(one) for one in facts["built"] if one["programs"])])


def _built_text(built: Mapping[str, Any]) -> str:
    """One language's built programs: `2 built Go programs (4.5 MB of at most 500 MB)`."""
    count, language = int(built["programs"]), by_name(str(built["language"]))
    label = language.label if language is not None else str(built["language"])
    size = f"{bytes_text(int(built['bytes']))} of at most {bytes_text(int(built['limit_bytes']))}"
    return f"{count} built {label} {'program' if count == 1 else 'programs'} ({size})"


def bytes_text(size: int) -> str:
    """A size for people, in units of 1,024: `1.5 MB`."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    text = f"{value:.1f}".removesuffix(".0") if 0 < value < 100 and unit else f"{value:.0f}"
    return f"{text} {_UNITS[unit]}"
