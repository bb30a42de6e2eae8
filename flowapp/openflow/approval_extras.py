"""What Flowapp adds to a step's wait for approval: the key `x-flowapp` of its `suspend`, which other tools leave alone.

    "x-flowapp": {
      "remind_after": 3600, "escalate_after": 7200, "escalate_to": ["g/leads", "u/ann"],
      "delegation": true, "comment_on_deny": true,
      "messages": [{"resource": "f/ops/mail", "to": ["leo@example.org", "g/finance"]}, {"resource": "f/ops/chat"}]
    }

Times are seconds since the wait began. Names are of members (`u/…`) and groups (`g/…`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowapp.errors import FlowappError

KEY = "x-flowapp"
MOST_CHANNELS = 10
MOST_NAMES = 100
_NAME = re.compile(r"[ug]/[^\s/]{1,100}")
_EMAIL = re.compile(r"[^\s@,;<>\"]{1,100}@[^\s@,;<>\"]{1,200}")
_PATH = re.compile(r"[ufg]/[\w./@-]{1,250}")
_KEYS = ("remind_after", "escalate_after", "escalate_to", "delegation", "comment_on_deny", "messages")


class ExtrasInvalid(FlowappError):
    """The settings of an approval that are Flowapp's own cannot be used; the message says which, and why."""

    code = "approval.extras_invalid"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where messages go: `resource` is a mail server with recipients `to` (addresses and names), or, with none, a web address."""

    resource: str
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extras:
    """The settings. Times in seconds, None for never. `messages` None: those of the workspace."""

    remind_after: float | None = None
    escalate_after: float | None = None
    escalate_to: tuple[str, ...] = ()
    delegation: bool = False
    comment_on_deny: bool = False
    messages: tuple[Channel, ...] | None = None


def extras_of(value: Any) -> Extras:
    """The settings under `x-flowapp`; None and {} are none.

    Raises:
        ExtrasInvalid: something is not what it should be, or is no setting at all.
    """
    if value is None:
        return Extras()
    if not isinstance(value, Mapping):
        raise ExtrasInvalid(f"{KEY} must be an object.", f"It may hold {', '.join(_KEYS)}.")
    unknown = [str(name) for name in value if name not in _KEYS]
    if unknown:
        raise ExtrasInvalid(f"{KEY} has no setting {unknown[0]!r}.", f"There are {', '.join(_KEYS)}.")
    found = Extras(
        remind_after=_seconds(value, "remind_after"),
        escalate_after=_seconds(value, "escalate_after"),
        escalate_to=_names(value.get("escalate_to"), "escalate_to", _NAME, 'Such as ["g/leads", "u/ann"].'),
        delegation=_switch(value, "delegation"),
        comment_on_deny=_switch(value, "comment_on_deny"),
        messages=None if value.get("messages") is None else channels_of(value["messages"]),
    )
    if (found.escalate_after is None) != (not found.escalate_to):
        raise ExtrasInvalid("escalate_after and escalate_to go together.", "Set both, or neither.")
    return found


def channels_of(value: Any) -> tuple[Channel, ...]:
    """Where messages go, as a step or a workspace says it.

    Raises:
        ExtrasInvalid: it is no list of `{"resource", "to"}`.
    """
    hint = 'Such as [{"resource": "f/ops/mail", "to": ["leo@example.org", "g/finance"]}, {"resource": "f/ops/chat"}].'
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise ExtrasInvalid("messages must be a list of objects.", hint)
    if len(value) > MOST_CHANNELS:
        raise ExtrasInvalid(f"There may be at most {MOST_CHANNELS} messages.", hint)
    return tuple(_channel(one, hint) for one in value)


def _channel(value: Mapping[str, Any], hint: str) -> Channel:
    resource = value.get("resource")
    if set(value) - {"resource", "to"} or not isinstance(resource, str):
        raise ExtrasInvalid('A message is {"resource": …, "to": […]}.', hint)
    path = resource.removeprefix("$res:")
    if not _PATH.fullmatch(path):
        raise ExtrasInvalid(f"{resource[:100]!r} is not the path of a resource.", hint)
    either = re.compile(f"(?:{_NAME.pattern})|(?:{_EMAIL.pattern})")
    return Channel(path, _names(value.get("to"), "to", either, hint))


def _names(value: Any, field: str, allowed: re.Pattern[str], hint: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_NAMES:
        raise ExtrasInvalid(f"{field} must be a list of at most {MOST_NAMES} names.", hint)
    for name in value:
        if not isinstance(name, str) or not allowed.fullmatch(name):
            raise ExtrasInvalid(f"{field}: {str(name)[:100]!r} names nobody.", hint)
    return tuple(dict.fromkeys(value))


def _seconds(value: Mapping[str, Any], name: str) -> float | None:
    given = value.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given) or given <= 0:
        raise ExtrasInvalid(f"{name} must be a number of seconds above 0.", f"{name}: 3600 is an hour.")
    return float(given)


def _switch(value: Mapping[str, Any], name: str) -> bool:
    given = value.get(name)
    if given is None or isinstance(given, bool):
        return bool(given)
    raise ExtrasInvalid(f"{name} must be true or false.")
