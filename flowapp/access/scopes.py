"""What a token is limited to: `domain:verb[:kind][:path]`, as Windmill writes them.

`scripts:read`, `variables:write:f/team/*`, `jobs:run:flows:f/team/report`, `*:read`. Write includes read. A path ends with `*`
for everything that begins so. A token without scopes may do all that its person may.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flowapp.access.errors import ScopeInvalid

READ_ONLY = "*:read"
_FORM = re.compile(r"^(\*|[a-z_]+):(\*|read|write|run)(?::(scripts|flows))?(?::([A-Za-z0-9_@./*-]+))?$")
_LEGACY = re.compile(r"^run:(script|flow)/(.+)$")
#: The first word of an action and the domain of scopes that it belongs to; others get an `s`.
_DOMAINS = {
    "run": "jobs",
    "member": "users",
    "account": "users",
    "state": "resources",
    "resource_type": "resources",
    "comment": "drafts",
    "run_view": "jobs",
}
_READING = frozenset({"read", "use"})


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope, taken apart. Empty `kind` and `path` mean any."""

    domain: str
    verb: str
    kind: str = ""
    path: str = ""

    def covers(self, need: Scope) -> bool:
        """Whether this scope allows what `need` names."""
        return (
            self.domain in ("*", need.domain)
            and (self.verb in ("*", need.verb) or (self.verb == "write" and need.verb == "read"))
            and self.kind in ("", need.kind)
            and _within(need.path, self.path)
        )


def parse(text: str) -> Scope:
    """The scope of a text.

    Raises:
        ScopeInvalid: it has another form; an unknown scope must not be taken for a harmless one.
    """
    legacy = _LEGACY.match(text)
    if legacy:
        return Scope("jobs", "run", f"{legacy[1]}s", legacy[2])
    found = _FORM.match(text)
    if found is None:
        raise ScopeInvalid(
            f"{text[:80]!r} is not a scope.", "Write it as domain:verb[:kind][:path], e.g. scripts:read:f/team/*."
        )
    return Scope(found[1], found[2], found[3] or "", found[4] or "")


def needed(action: str, path: str) -> Scope:
    """The scope that an action of `access.policy` needs."""
    room, _, verb = action.partition(".")
    if verb == "run" and room in ("flow", "script"):
        return Scope("jobs", "run", f"{room}s", path)
    domain = _DOMAINS.get(room, f"{room}s")
    return Scope(domain, "read" if verb in _READING else "write", "", path)


def covered(scopes: tuple[str, ...], action: str, path: str) -> bool:
    """Whether one of the scopes allows the action at the path. One that cannot be read allows nothing."""
    need = needed(action, path)
    for text in scopes:
        try:
            scope = parse(text)
        except ScopeInvalid:
            continue
        if scope.covers(need):
            return True
    return False


def _within(path: str, pattern: str) -> bool:
    if pattern in ("", "*"):
        return True
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
