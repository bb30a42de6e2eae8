"""What use-cases about stored things share: paths, pages of lists, fields of bodies.

Bodies are looked at only after the policy was asked, so a stranger learns nothing from what is wrong with one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, require
from flowapp.store.clock import text_of
from flowapp.workspace import guard
from flowapp.workspace.errors import BadRequest, PathInvalid

T = TypeVar("T")
MAX_PATH = 255
MOST_ROWS = 1000
_VALID = re.compile(r"^[ugf]/[A-Za-z0-9_.@-]+(?:/[A-Za-z0-9_.@-]+)+$")
_NAME = re.compile(r"^[A-Za-z0-9_-]{1,50}$")


def enter(identity: Identity) -> None:
    """Ask whether the identity may know anything of the workspace; first of all, before the body is looked at."""
    require(identity, "workspace.read", guard.workspace_target(identity))


def path_of(value: Any, what: str) -> str:
    """A path `u/<person>/…`, `f/<folder>/…` or `g/<group>/…`.

    Raises:
        PathInvalid: anything else.
    """
    text = value.strip() if isinstance(value, str) else ""
    dots = any(part in (".", "..") for part in text.split("/"))
    if len(text) > MAX_PATH or dots or not _VALID.match(text):
        raise PathInvalid(
            f"{str(value)[:80]!r} is not a path that a {what} can have.",
            "Use u/<name>/…, f/<folder>/… or g/<group>/…, with letters, digits, _ - @ and . only.",
        )
    return text


def name_of(value: Any, what: str) -> str:
    """A name of a folder, group, type or workspace: letters, digits, `_` and `-`.

    Raises:
        BadRequest: anything else.
    """
    if not isinstance(value, str) or not _NAME.match(value):
        raise BadRequest(
            f"{str(value)[:60]!r} cannot be the name of a {what}.", "Use up to 50 letters, digits, _ and -."
        )
    return value


def text_in(body: Mapping[str, Any], name: str, default: str = "", *, limit: int = 100_000) -> str:
    """A text of a body; null and a missing key are the default.

    Raises:
        BadRequest: not a text, or a longer one.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text.", f'Send {{"{name}": "…"}}.')
    if len(value) > limit:
        raise BadRequest(f"{name} has more than {limit} characters.")
    if "\0" in value:
        raise BadRequest(f"{name} holds a NUL character, which no database takes as text.")
    return value


def flag_in(body: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A boolean of a body; null and a missing key are the default.

    Raises:
        BadRequest: something else.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false.")
    return value


def required_text(body: Mapping[str, Any], name: str) -> str:
    """A text that must be there, and not be empty.

    Raises:
        BadRequest: it is missing.
    """
    value = text_in(body, name)
    if not value:
        raise BadRequest(f"{name} is missing.", f'Send {{"{name}": "…"}}.')
    return value


def moment_in(body: Mapping[str, Any], name: str) -> str | None:
    """A moment to come of a body, as stored text; None where it is not given.

    Raises:
        BadRequest: not a time, or one that is past.
    """
    moment = time_in(body, name)
    if moment is not None and moment <= datetime.now(UTC):
        raise BadRequest(f"{name} is in the past.")
    return None if moment is None else text_of(moment)


def time_in(body: Mapping[str, Any], name: str) -> datetime | None:
    """A time of a body, in UTC; None where it is not given.

    Raises:
        BadRequest: not a time.
    """
    text = text_in(body, name, limit=60)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} is not a time: {text!r}.", "Write it as 2030-01-31T12:00:00Z.") from None


def reading(identity: Identity, kind: str) -> Action:
    """What looking at a variable or resource is: a job uses it on a person's behalf, a person looks at it."""
    if kind == "variable":
        return "variable.use" if identity.job else "variable.read"
    return "resource.use" if identity.job else "resource.read"


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: `number` counts from 1, and 0 is the first too, because a client of Windmill's starts there.

    With neither given, the list comes whole, up to 1000 rows.
    """

    number: int | None = None
    size: int | None = None

    def of(self, rows: Sequence[T]) -> list[T]:
        """The rows of the page."""
        if self.number is None and self.size is None:
            return list(rows[:MOST_ROWS])
        size = min(max(self.size or 30, 1), 100)
        start = (max(self.number or 1, 1) - 1) * size
        return list(rows[start : start + size])


ALL = Page()
